import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'
import type { Isolation } from '../../../protocol/isolation.ts'
import { MIN_STORAGE_BYTES } from '../../../protocol/limits.ts'
import { hasOwnKernel, type Wall } from '../../isolation/walls.ts'
import { addressOf, networkSettings } from '../../networks/network-mode.ts'
import { ensureSandboxImage, PROVE, TELL } from '../../sandbox/image.ts'
import { PROBE_PORT, PROVED, PROVED_CODE, programsFor } from '../../sandbox/program.ts'
import { type Abort, askEngine } from '../ask-engine.ts'
import type { EngineProperties } from '../engine-properties.ts'
import { noRuntime } from '../errors.ts'
import { type AbortOptions, type ContainerEngine, type ContainerSpec, EngineError } from '../index.ts'
import { isSameKernel, type Kernel, machineKernel, readKernel } from './kernel.ts'

/** What {@link createProof} works with: the steps are those of jobs. */
export interface ProofComponents {
  docker: Docker
  steps: Pick<ContainerEngine, 'create' | 'start' | 'wait' | 'logs' | 'remove'>
  properties(options: AbortOptions): Promise<EngineProperties>
  /** Whether containers are dialled from here. */
  isReached(): boolean
  /** A class as it is offered; undefined where it is not. */
  wallOf(isolation: string): Pick<Wall, 'runtime'> | undefined
}

/** Room for the programs of a sandbox's own kernel, beside one of a page. */
const MEMORY_BYTES = 64 * 2 ** 20
const CPU_MILLIS = 1_000
const PIDS = 256
/** Between two tries to connect, in ms. */
const BETWEEN_MS = 50
/** How long removing what was made may take, in ms. */
const REMOVE_MS = 30_000

/**
 * See `ContainerEngine.prove`: a container as jobs have theirs, of a program of ours, which listens on its network, is
 * connected to from here where that is how jobs are reached, writes a line and ends with a code of its own. The engine must
 * say of it that it holds it to its limits; and where the class promises a kernel of the job's own, it must not be the machine's.
 *
 * @param owner peer id of the agent
 */
export function createProof(components: ProofComponents, { owner }: { owner: string }): ContainerEngine['prove'] {
  const { docker, steps, properties } = components

  /** @returns what it says of its kernel */
  async function run(spec: ContainerSpec, isReached: boolean, abort: Abort): Promise<Kernel> {
    const options = abort.abortSignal === undefined ? {} : { signal: abort.abortSignal }
    await steps.create(spec, options)
    await steps.start(spec.name, options)
    const details = await docker.getContainer(spec.name).inspect(abort)
    const { Memory: memory, NanoCpus: cpus, PidsLimit: pids } = details.HostConfig
    const isHeld = memory === spec.memoryBytes && cpus === spec.cpuMillis * 1_000_000 && (pids ?? 0) > 0
    if (!isHeld) throw unproved('the engine does not hold a container to its memory, CPU and processes')
    const address = addressOf({ NetworkSettings: await networkSettings(docker, details, abort) })
    if (address === null && isReached) throw unproved('a container has no address on its network')
    const over = new AbortController()
    const dialling = isReached ? dial(address ?? '', AbortSignal.any([over.signal, ...Object.values(options)])) : null
    const { exitCode } = await steps.wait(spec.name, options).finally(() => over.abort())
    await dialling
    if (exitCode !== PROVED_CODE) throw unproved(`a program that ends with ${PROVED_CODE} ended with ${exitCode}`)
    const lines: string[] = []
    for await (const batch of steps.logs(spec.name, 1, options)) lines.push(...batch.map(({ line }) => line))
    const [proved, ...kernel] = lines
    if (proved !== PROVED) throw unproved(`the log of a container is not what it wrote: ${lines.length} lines`)
    return readKernel(kernel)
  }

  return (isolation, { signal } = {}) =>
    askEngine(`trying ${isolation}`, signal, async (abort) => {
      const options = signal === undefined ? {} : { signal }
      const { info, runtimes } = await properties(options)
      const wall = components.wallOf(isolation)
      if (wall === undefined) throw unproved(`${isolation} is not offered`)
      const { runtime } = wall
      if (runtime !== null && !runtimes.includes(runtime)) throw noRuntime(runtime, runtimes)
      const programs = programsFor(info.architecture)
      if (programs === null) {
        if (!hasOwnKernel(isolation)) return // there is nothing to try it with, and nothing that it promises beyond
        throw unproved(`${isolation} cannot be tried on ${info.architecture}: leave out --isolation ${isolation}=…`)
      }
      const isReached = components.isReached()
      const image = await ensureSandboxImage(docker, programs, abort)
      const spec: ContainerSpec = {
        name: `cortex-proof-${randomBytes(6).toString('hex')}`,
        ...{ image, command: [isReached ? PROVE : TELL], args: [], env: {} },
        ...{
          cpuMillis: Math.min(CPU_MILLIS, info.cpuMillis),
          memoryBytes: MEMORY_BYTES,
          storageBytes: MIN_STORAGE_BYTES,
        },
        ...{ gpu: 0, labels: {}, owner, pids: PIDS, network: 'bridge' as const, isolation },
      }
      try {
        const kernel = await run(spec, isReached, abort)
        if (!hasOwnKernel(isolation)) return
        const shared = await machineKernel(docker, { image, owner, runtimes }, abort)
        if (isSameKernel(kernel, shared)) throw unproved(sharesKernel(isolation, runtime))
      } finally {
        // Whatever became of it. What cannot be removed now is found later by who looks for what no lease needs.
        await steps.remove(spec.name, { signal: AbortSignal.timeout(REMOVE_MS) }).catch(() => undefined)
      }
    })
}

/** For the owner: what is wrong, and which flag mends it. */
function sharesKernel(isolation: Isolation, runtime: string | null): string {
  const example = isolation === 'gvisor' ? 'gVisor’s, e.g. runsc' : 'one of virtual machines, e.g. kata'
  const name = runtime ?? 'the engine’s default runtime'
  return `${name} runs on the machine's own kernel, which is no ${isolation}: name ${example}, in --isolation ${isolation}=RUNTIME or --runtime`
}

function unproved(problem: string): EngineError {
  return new EngineError('ENGINE_ERROR', problem, { reason: 'unproved' })
}

/** Connects until somebody answers, or the signal aborts: the program may need a moment before it listens. */
async function dial(host: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const socket = connect({ host, port: PROBE_PORT, timeout: 1_000 })
    socket.once('timeout', () => socket.destroy(new Error('no answer')))
    try {
      await once(socket, 'connect', { signal })
      return
    } catch {
      await delay(BETWEEN_MS, undefined, { signal }).catch(() => undefined) // not yet; or aborted, and the loop ends
    } finally {
      socket.destroy()
    }
  }
}
