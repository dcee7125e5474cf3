import type Docker from 'dockerode'
import type { Clock } from '../../../node/clock.ts'
import type { Firewall } from '../../isolation/firewall.ts'
import { lasting } from '../../lasting.ts'
import { networkProblem } from '../../networks/network-probe.ts'
import { portsProblem } from '../../networks/reach-probe.ts'
import type { Sandboxes } from '../../sandbox/sandboxes.ts'
import { type Abort, askEngine } from '../ask-engine.ts'
import { type EngineProperties, readProperties } from '../engine-properties.ts'
import { type AbortOptions, type ContainerEngine, EngineError, type Privileges } from '../index.ts'
import { ownerLabel } from '../labels.ts'
import { probeQuota, type StorageQuota } from '../storage/quota-probe.ts'
import { probeVolumeQuota, type VolumeQuota } from '../storage/volume-quota.ts'

/** What {@link createFindings} works with. */
export interface FindingsComponents {
  docker: Docker
  clock: Pick<Clock, 'sleep'>
  firewall: Omit<Firewall, 'problem' | 'limitsConnections'> | undefined
  sandboxes: Pick<Sandboxes, 'open'> | undefined
}

/** As in `DockerEngineInit`, with its defaults filled in. */
export interface FindingsInit {
  owner: string
  /** That containers run under, first that of those that name none; null is the engine's own default. */
  runtimes: readonly (string | null)[]
  privileges: Privileges
  requireNetworkIsolation: boolean
  nameServers: string[] | undefined
}

/** What is known of an engine: what it says of itself, and what came of trying it out. */
export interface Findings extends Pick<ContainerEngine, 'info' | 'features'> {
  properties(options: AbortOptions): Promise<EngineProperties>
  /** Null before it was tried, and where containers are not held to sizes. */
  storageQuota(): StorageQuota | null
  volumeQuota(): VolumeQuota | null
  /** Resolves when a container with a network reaches no more than it should. */
  ensureIsolated(): Promise<void>
  nameServers(): string[]
  /** Whether containers are dialled from here; false before it was tried. */
  isReached(): boolean
}

/** Asks nothing by itself. Before `features()` no quota is known, and jobs count as not kept from the network. */
export function createFindings(components: FindingsComponents, init: FindingsInit): Findings {
  const { docker, clock, firewall, sandboxes } = components
  const { owner, runtimes, privileges } = init
  let known: EngineProperties | null = null
  let quota: StorageQuota | null = null
  let volumeQuota: VolumeQuota | null = null
  let unisolated: string | null = 'it has not been tried yet'
  let unreached: string | null = unisolated

  /** Asked once: an engine that is replaced while the agent runs is a new one to info() alone. */
  async function properties(options: AbortOptions): Promise<EngineProperties> {
    known ??= await readProperties(docker, options)
    return known
  }

  /** One after the other: Docker turns btrfs's quotas on when it is first asked for one. */
  async function probeQuotas(labels: Record<string, string>, abort: Abort) {
    const own = await probeQuota(docker, labels, abort)
    return [own, await probeVolumeQuota(docker, labels, abort)] as const
  }

  /** Ends when each has cleared away what it made: an agent that gives up the first leaves none of the others' behind. */
  async function tryAll(kind: EngineProperties, abort: Abort): Promise<void> {
    const [quotas, isolation, ports] = await Promise.allSettled([
      probeQuotas({ [ownerLabel]: owner }, abort),
      firewall === undefined ? 'no firewall is set' : networkProblem(docker, firewall, owner, abort),
      portsProblem(docker, kind, owner, abort),
    ])
    ;[quota, volumeQuota] = resultOf(quotas)
    unisolated = resultOf(isolation)
    unreached = resultOf(ports)
  }

  function nameServers(): string[] {
    return init.nameServers ?? (unisolated === null ? (firewall?.nameServers ?? []) : [])
  }

  return {
    properties,
    nameServers,
    isReached: () => unreached === null,
    storageQuota: () => quota,
    volumeQuota: () => volumeQuota,
    async ensureIsolated() {
      if (unisolated !== null && !init.requireNetworkIsolation) return
      const problem = unisolated ?? (await firewall?.ensure().then(() => null, String)) ?? null
      if (problem === null) return
      throw new EngineError('ENGINE_ERROR', `jobs cannot be kept from the network around: ${problem}`, {
        reason: 'network-isolation',
      })
    },
    async info(options = {}) {
      known = await readProperties(docker, options)
      return known.info
    },
    features: ({ signal } = {}) =>
      askEngine('trying the engine', signal, async (abort) => {
        const { info, ...kind } = await properties(signal === undefined ? {} : { signal })
        const until = abort.abortSignal ?? new AbortController().signal
        await lasting(clock, until, async (late) => await tryAll({ info, ...kind }, { abortSignal: late }))
        until.throwIfAborted()
        sandboxes?.open({ architecture: info.architecture, nameServers: nameServers(), runtimes })
        return {
          storageQuota: quota === null ? 'measured' : 'hard',
          volumeQuota: volumeQuota === null ? 'measured' : 'hard',
          runtime: runtimes[0] ?? null,
          // Podman makes a bridge with its first container and takes it away with its last.
          countsTraffic: unreached === null && !kind.isPodman,
          // Podman cuts the lines of a terminal's log where nobody can tell.
          terminals: !kind.isPodman,
          // Not tried on Podman.
          standardInput: !kind.isPodman,
          ...{ volumes: true, networkProblem: unisolated, portsProblem: unreached, privileges },
        }
      }),
  }
}

function resultOf<T>(result: PromiseSettledResult<T>): T {
  if (result.status === 'rejected') throw result.reason
  return result.value
}
