import type Docker from 'dockerode'
import type { ContainerInspectInfo } from 'dockerode'
import PQueue from 'p-queue'
import { gpuClaims } from '../../gpus/gpus.ts'
import { sandboxLabel } from '../../networks/network-mode.ts'
import { type Abort, askEngine } from '../ask-engine.ts'
import { statusOf } from '../errors.ts'
import type { AbortOptions, EngineSurvey, GpuClaim } from '../index.ts'
import { gpusOf, keptLabel, ownerLabel } from '../labels.ts'
import { folderBytes } from '../storage/folder-size.ts'
import { type StatsReading, toReading, toSample } from './stats-sample.ts'

type Held = { cpuMillis: number; memoryBytes: number; gpus: GpuClaim[] }
type Seen = Map<string, Pick<StatsReading, 'timestampMs' | 'cpuNanos'>>

/** Containers that are asked about at a time. */
const CONCURRENCY = 4

/** Answers what {@link EngineSurvey} says; the CPU of a container without a limit is its average since the last survey. */
export function createSurveyor(docker: Docker): (owner: string, options?: AbortOptions) => Promise<EngineSurvey> {
  let seen: Seen = new Map()

  async function heldBy(id: string, now: Seen, abort: Abort): Promise<Held | null> {
    const container = docker.getContainer(id)
    try {
      const details = await container.inspect(abort)
      if (!details.State.Running) return null
      const { cpuMillis, memoryBytes } = limitsOf(details)
      const gpus = gpuClaims(details)
      if (cpuMillis !== null && memoryBytes !== null) return { cpuMillis, memoryBytes, gpus }
      const reading = toReading(await container.stats({ stream: false, 'one-shot': true, ...abort }))
      if (reading === null) return null
      now.set(id, reading)
      const before = seen.get(id) ?? { timestampMs: Date.parse(details.State.StartedAt), cpuNanos: 0 }
      const used = toSample(before, reading, null)
      return { cpuMillis: cpuMillis ?? used.cpuMillis, memoryBytes: memoryBytes ?? used.memoryBytes, gpus }
    } catch (error) {
      if (statusOf(error) === 404) return null // Gone meanwhile.
      throw error
    }
  }

  return (owner, { signal } = {}) =>
    askEngine('looking at what runs on the engine', signal, async (abort) => {
      const filters = { label: [`${ownerLabel}=${owner}`] }
      const [running, own, keptBytes] = await Promise.all([
        docker.listContainers({ ...abort }),
        docker.listContainers({ all: true, size: true, filters, ...abort }),
        bytesOfKept(docker, filters, abort),
      ])
      // What keeps a sandbox takes nothing worth counting, whoever's it is.
      const others = running.filter(({ Labels: labels }) => {
        const agent = labels?.[ownerLabel]
        return agent === undefined ? labels?.[sandboxLabel] === undefined : agent !== owner
      })
      const now: Seen = new Map()
      const queue = new PQueue({ concurrency: CONCURRENCY })
      const held = await queue.addAll(
        others.map(
          ({ Id: id }) =>
            async () =>
              await heldBy(id, now, abort),
        ),
      )
      seen = now
      const present = held.filter((one) => one !== null)
      return {
        others: {
          cpuMillis: present.reduce((sum, { cpuMillis }) => sum + cpuMillis, 0),
          memoryBytes: present.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0),
          gpus: present.flatMap(({ gpus }) => gpus),
        },
        ownGpus: own.flatMap(({ State: state, Labels: labels }) =>
          state === 'exited' || state === 'dead' ? [] : gpusOf(labels),
        ),
        writtenBytes: own.reduce((sum, container) => sum + ((container as { SizeRw?: number }).SizeRw ?? 0), keptBytes),
      }
    })
}

/** What is in the volumes that outlive their jobs, each up to what is held for it; 0 of those that cannot be looked at. */
async function bytesOfKept(docker: Docker, filters: { label: string[] }, abort: Abort): Promise<number> {
  const kept = { label: [...filters.label, keptLabel] }
  const { Volumes: all } = await docker.listVolumes({ filters: kept, ...abort } as Docker.VolumeListOptions)
  let bytes = 0
  for (const { Labels: labels, Mountpoint: path } of all ?? []) {
    const size = Number(labels?.['cortex.bytes'] ?? 0)
    bytes += Math.min(size, (await folderBytes(path, abort.abortSignal)) ?? 0)
  }
  return bytes
}

/** Null where there is none. */
function limitsOf({ HostConfig: config }: ContainerInspectInfo): Record<'cpuMillis' | 'memoryBytes', number | null> {
  const { NanoCpus: nanos = 0, CpuQuota: quota = 0, CpuPeriod: period = 0, Memory: memory = 0 } = config
  const byQuota = quota > 0 ? Math.ceil((quota * 1_000) / (period > 0 ? period : 100_000)) : null
  return {
    cpuMillis: nanos > 0 ? Math.ceil(nanos / 1e6) : byQuota,
    memoryBytes: memory > 0 ? memory : null,
  }
}
