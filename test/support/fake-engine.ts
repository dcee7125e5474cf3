/**
 * A container engine without containers: it outlives the agents that use it, as a real one does, and does what a test
 * tells it to, on the test's clock.
 */

import { orAborted } from '../../node/abort.ts'
import type { Clock } from '../../node/clock.ts'
import {
  type AbortOptions,
  type ContainerEngine,
  type ContainerExit,
  type ContainerSpec,
  type ContainerSummary,
  EngineError,
  type EngineFeatures,
  type EngineInfo,
  type EngineSurvey,
  type LogLine,
  type PullRequest,
  type StorageUse,
  type VolumeSummary,
} from '../../provider-agent/engine/index.ts'
import { keptLabel } from '../../provider-agent/engine/labels.ts'
import type { Script } from './fake-script.ts'

export interface FakeContainer {
  readonly spec: ContainerSpec
  readonly state: 'created' | 'running' | 'exited'
  readonly signals: string[]
  /** What it takes of the disk. */
  storage: StorageUse
  /** Bytes that went over its network. */
  traffic: number
  print(...lines: string[]): void
  exit(exitCode: number, how?: { oomKilled?: boolean }): void
}

export interface FakeEngine extends ContainerEngine {
  readonly containers: ReadonlyMap<string, FakeContainer>
  /** Every call that reached it, e.g. `"start cortex-job_…-1"`. */
  readonly calls: string[]
  /** Containers that were ever started, by name, and how often. */
  readonly starts: ReadonlyMap<string, number>
  /** The most that ever ran at one moment, summed over the containers. */
  readonly peak: { cpuMillis: number; memoryBytes: number }
  /** While set nothing is answered; what waits for it fails. */
  setGone(gone: boolean): void
  /** How far its wall clock is ahead of the test's, in ms. @default 0 */
  aheadMs: number
  script: (spec: ContainerSpec) => Script
  /** From now on, and once, reading this container's output fails so. */
  failLogs(name: string, error: EngineError): void
  /** What it can beside the least. */
  offers: Partial<EngineFeatures>
  readonly volumeNames: () => string[]
  /** What it says of the machine. */
  machine: Pick<EngineInfo, 'cpuMillis' | 'memoryBytes'>
  /** What else it says runs on it. */
  surveyed: EngineSurvey
  /** Why the runtime of a class runs nothing; those that are not there run. */
  readonly unproved: Map<string, EngineError>
  /** What it has: name → id. */
  readonly images: Map<string, string>
  onPull: ((request: PullRequest) => void) | null
  /** A container has just begun to run, or has just ended. */
  onStart: ((container: FakeContainer) => void) | null
  onExit: ((container: FakeContainer, exit: ContainerExit) => void) | null
}

interface Box extends FakeContainer {
  script: Script
  state: 'created' | 'running' | 'exited'
  output: LogLine[]
  ended: ContainerExit | null
  startedAtMs: number
  wake: PromiseWithResolvers<void>
  timer: AbortController
}

export function createFakeEngine({ clock: time }: { clock: Clock }): FakeEngine {
  const clock: Clock = { ...time, nowMs: () => time.nowMs() + engine.aheadMs }
  const boxes = new Map<string, Box>()
  const volumes = new Map<string, VolumeSummary>()
  const starts = new Map<string, number>()
  const calls: string[] = []
  const logFailures = new Map<string, EngineError>()
  const peak = { cpuMillis: 0, memoryBytes: 0 }
  let gone: PromiseWithResolvers<never> | null = null
  let back: AbortController = new AbortController()

  /** Runs a step: not at all while the engine is gone, and no further once it goes. */
  async function step<T>(name: string, signal: AbortSignal | undefined, task: () => Promise<T> | T): Promise<T> {
    signal?.throwIfAborted()
    if (gone !== null) throw unavailable()
    calls.push(name)
    const both = signal === undefined ? back.signal : AbortSignal.any([signal, back.signal])
    return await orAborted((async () => await task())(), both)
  }

  function find(name: string): Box {
    const box = boxes.get(name)
    if (box === undefined) throw new EngineError('ENGINE_ERROR', `no container ${name}`, { reason: 'not-found' })
    return box
  }

  function wake(box: Box): void {
    box.wake.resolve()
    box.wake = Promise.withResolvers()
  }

  function makeBox(spec: ContainerSpec): Box {
    const box: Box = {
      spec,
      script: engine.script(spec),
      state: 'created',
      signals: [],
      storage: { ownBytes: 0, volumes: {}, isHeld: false, areVolumesHeld: false },
      traffic: 0,
      output: [],
      ended: null,
      startedAtMs: 0,
      wake: Promise.withResolvers(),
      timer: new AbortController(),
      print(...lines) {
        for (const line of lines) {
          const number = box.output.length + 1
          box.output.push({ number, stream: 'stdout', timestampMs: clock.nowMs(), line, partial: false })
        }
        wake(box)
      },
      exit(exitCode, { oomKilled = false } = {}) {
        if (box.state !== 'running') return
        box.state = 'exited'
        box.timer.abort()
        box.ended = { exitCode, oomKilled, startedAtMs: box.startedAtMs, finishedAtMs: clock.nowMs() }
        engine.onExit?.(box, box.ended)
        wake(box)
      },
    }
    return box
  }

  function begin(box: Box): void {
    const { name } = box.spec
    box.state = 'running'
    box.startedAtMs = clock.nowMs()
    starts.set(name, (starts.get(name) ?? 0) + 1)
    const running = [...boxes.values()].filter(({ state }) => state === 'running')
    peak.cpuMillis = Math.max(
      peak.cpuMillis,
      running.reduce((sum, { spec }) => sum + spec.cpuMillis, 0),
    )
    peak.memoryBytes = Math.max(
      peak.memoryBytes,
      running.reduce((sum, { spec }) => sum + spec.memoryBytes, 0),
    )
    const { runMs, exitCode = 0, oomKilled = false, lines = [] } = box.script
    box.print(...lines)
    engine.onStart?.(box)
    if (runMs === undefined) return
    // Aborted when it ended before.
    clock.sleep(runMs, box.timer.signal).then(
      () => box.exit(exitCode, { oomKilled }),
      () => undefined,
    )
  }

  async function pause(ms: number | undefined, signal: AbortSignal | undefined): Promise<void> {
    if (ms !== undefined && ms > 0) await clock.sleep(ms, signal)
  }

  async function* follow(name: string, fromLine: number, { signal }: AbortOptions): AsyncGenerator<LogLine[]> {
    await step(`logs ${name} ${fromLine}`, signal, () => find(name))
    for (let next = fromLine; ; ) {
      const box = find(name)
      const woken = box.wake.promise
      await pause(box.script.logLagMs, signal)
      const lines = box.output.slice(next - 1)
      const failure = logFailures.get(name)
      logFailures.delete(name)
      if (failure !== undefined) throw failure
      if (lines.length > 0) {
        next += lines.length
        yield lines
      } else if (box.state === 'exited') {
        return
      } else {
        await orAborted(woken, signal === undefined ? back.signal : AbortSignal.any([signal, back.signal]))
      }
    }
  }

  const engine: FakeEngine = {
    containers: boxes,
    calls,
    starts,
    peak,
    aheadMs: 0,
    script: () => ({}),
    images: new Map(),
    offers: {},
    unproved: new Map(),
    volumeNames: () => [...volumes.keys()],
    machine: { cpuMillis: 4_000, memoryBytes: 8 * 2 ** 30 },
    surveyed: { others: { cpuMillis: 0, memoryBytes: 0, gpus: [] }, writtenBytes: 0, ownGpus: [] },
    onPull: null,
    onStart: null,
    onExit: null,
    failLogs(name, error) {
      logFailures.set(name, error)
      wake(find(name))
    },
    setGone(isGone) {
      if (isGone === (gone !== null)) return
      gone = isGone ? Promise.withResolvers<never>() : null
      if (isGone) back.abort(unavailable())
      else back = new AbortController()
    },

    info: ({ signal } = {}) =>
      step('info', signal, () => ({
        ...engine.machine,
        version: '20.10.24',
        dataRoot: '/var/lib/docker',
        storageDriver: 'overlay2',
        architecture: 'amd64',
        cgroupVersion: 2 as const,
        outlived: true,
        gpuDriver: null,
      })),

    nowMs: ({ signal } = {}) => step('now', signal, () => clock.nowMs()),

    features: ({ signal } = {}) =>
      step('features', signal, () => ({
        ...{
          storageQuota: 'measured' as const,
          volumeQuota: 'measured' as const,
          volumes: true,
          networkProblem: 'there is no network',
          portsProblem: null,
          terminals: true,
          standardInput: false,
          countsTraffic: false,
          runtime: null,
          privileges: 'ordinary' as const,
        },
        ...engine.offers,
      })),

    prove: (isolation, { signal } = {}) =>
      step(`prove ${isolation}`, signal, () => {
        const problem = engine.unproved.get(isolation)
        if (problem !== undefined) throw problem
      }),

    async *limitsMet() {},

    traffic: async (name) => async () => find(name).traffic,

    storage: (name, { signal } = {}) => step(`storage ${name}`, signal, () => find(name).storage),

    volumes: (owner, { signal } = {}) =>
      step('volumes', signal, () => [...volumes.values()].filter(({ labels }) => labels.owner === owner)),

    removeVolume: (name, { signal } = {}) => step(`remove volume ${name}`, signal, () => void volumes.delete(name)),

    pull: (request, { signal } = {}) =>
      step(`pull ${request.image}`, signal, async () => {
        engine.onPull?.(request)
        const { pullMs, pullError } = engine.script({ image: request.image } as ContainerSpec)
        await pause(pullMs, signal)
        if (pullError !== undefined) throw pullError
        const { image, policy } = request
        const there = engine.images.get(image)
        if (policy === 'IfNotPresent' && there !== undefined) {
          return { imageId: there, image, repoDigest: null, names: there === `sha256:${image}` ? [image] : [] }
        }
        const imageId = `sha256:${image}`
        engine.images.set(image, imageId)
        return { imageId, image, repoDigest: null, names: [image] }
      }),

    removeImage: ({ imageId, names }, { signal } = {}) =>
      step(`remove image ${imageId}`, signal, () => {
        if ([...boxes.values()].some(({ spec }) => engine.images.get(spec.image) === imageId)) return 'in-use'
        for (const name of names) if (engine.images.get(name) === imageId) engine.images.delete(name)
        return [...engine.images.values()].includes(imageId) ? 'named-by-others' : 'removed'
      }),

    create: (spec, { signal } = {}) =>
      step(`create ${spec.name}`, signal, async () => {
        const { createMs, createError } = engine.script(spec)
        await pause(createMs, signal)
        if (createError !== undefined) throw createError
        for (const { name, kept } of spec.volumes ?? []) {
          const labels = { ...spec.labels, owner: spec.owner, ...(kept === undefined ? {} : { [keptLabel]: kept.id }) }
          if (!volumes.has(name)) volumes.set(name, { name, labels })
        }
        if (!boxes.has(spec.name)) boxes.set(spec.name, makeBox(spec))
      }),

    start: (name, { signal } = {}) =>
      step(`start ${name}`, signal, async () => {
        const box = find(name)
        if (box.state === 'created') await pause(box.script.startMs, signal)
        if (box.script.startError !== undefined) throw box.script.startError
        if (box.state === 'created') begin(box)
        await pause(box.script.startToldMs, signal)
        return { startedAtMs: box.startedAtMs }
      }),

    wait: (name, { signal } = {}) =>
      step(`wait ${name}`, signal, async () => {
        for (;;) {
          const box = find(name)
          if (box.ended !== null) {
            await pause(box.script.endToldMs, signal)
            return box.ended
          }
          await orAborted(box.wake.promise, signal)
        }
      }),

    logs: (name, fromLine, options = {}) => follow(name, fromLine, options),

    async *stats(name, intervalMs, { signal } = {}) {
      await step(`stats ${name}`, signal, () => find(name))
      for (let count = 0; ; count += 1) {
        await clock.sleep(count === 0 ? Math.min(1_000, intervalMs) : intervalMs, signal)
        if (boxes.get(name)?.state !== 'running') return
        yield {
          timestampMs: clock.nowMs(),
          cpuMillis: 5,
          memoryBytes: 2 ** 20,
          rxBytes: 0,
          txBytes: 0,
          storageBytes: null,
          pids: null,
        }
      }
    },

    stop: (name, { graceMs, signalName = 'SIGTERM' }, { signal } = {}) =>
      step(`stop ${name}`, signal, async () => {
        const box = boxes.get(name)
        if (box?.state !== 'running') return
        const { onStop = 143 } = box.script
        box.signals.push(signalName)
        if (onStop !== 'ignore') return box.exit(onStop)
        await pause(graceMs, signal)
        box.signals.push('SIGKILL')
        box.exit(137)
      }),

    remove: (name, { signal } = {}) =>
      step(`remove ${name}`, signal, async () => {
        const box = boxes.get(name)
        const problem = box?.script.removeErrors?.shift()
        if (problem !== undefined) throw problem
        box?.exit(137)
        await pause(box?.script.removeMs, signal)
        boxes.delete(name)
        if (box !== undefined) wake(box)
      }),

    survey: (_owner, { signal } = {}) => step('survey', signal, () => engine.surveyed),

    list: (owner, { signal } = {}) =>
      step('list', signal, () =>
        [...boxes.values()]
          .filter(({ spec }) => spec.owner === owner)
          .map(({ spec, state }): ContainerSummary => ({ name: spec.name, state, labels: spec.labels })),
      ),
  }
  return engine
}

function unavailable(): EngineError {
  return new EngineError('ENGINE_UNAVAILABLE', 'the engine does not answer')
}
