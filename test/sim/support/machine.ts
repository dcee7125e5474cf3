/**
 * A provider's machine: an engine that outlives the agents on it, containers that run small programs, and a record of
 * every container that ever ran, made where no agent can get it wrong.
 */

import { type Moment, momentNow } from '../../../node/moment.ts'
import {
  type ContainerEngine,
  type ContainerSpec,
  type ContainerSummary,
  EngineError,
} from '../../../provider-agent/engine/index.ts'
import type { Guard } from '../../../provider-agent/guard/guard.ts'
import { createFakeEngine, type FakeContainer } from '../../support/fake-engine.ts'
import type { Script } from '../../support/fake-script.ts'
import { type Life, mortal, never } from './life.ts'
import type { MachineTime, ModelClock } from './model-clock.ts'

/** One container from its start to its end, in ms of the model. */
export interface Run {
  machine: number
  jobId: string
  fence: number
  cpuMillis: number
  startedAtMs: number
  /** Null while it runs. */
  endedAtMs: number | null
  exitCode: number | null
  /** How many lines it has printed: `1`, `2`, … */
  lines: number
  /** Whether no other attempt of its job may run beside it. */
  exclusive: boolean
}

export interface Machine extends MachineTime {
  readonly index: number
  readonly cpuMillis: number
  diskFull: boolean
  /** Every container that ever ran here, in the order of the starts. */
  readonly runs: Run[]
  /** When the engine was last away, in ms of the model; null while it is, -Infinity before the first time. */
  engineBackAtMs: number | null
  engine(life: Life): ContainerEngine
  /** Ends containers in time that an agent no longer speaks for; it outlives the agents, as the real one does. */
  guard(life: Life): Guard
  setEngineGone(gone: boolean): void
  /** Sets its wall clock off by so much. */
  setClock(offsetMs: number): void
  /**
   * Whether no clock tells how long something ran that began then: the wall clock was set, and the power was gone, with
   * the clock that does not jump.
   */
  lostTrackSince(ms: number): boolean
  /** Whether its power, its engine or its agent was gone since then, so that nobody may have seen a container end. */
  lostSightSince(ms: number): boolean
  /** Its agent begins anew. */
  begin(): void
  /** Loses its power, and comes back at once: no container lives over that. */
  powerOff(): void
  containers(): string[]
  networks(): string[]
}

/** What a container does: counts to `lines`, then ends so. Written into the job's arguments. */
export interface Program {
  lines: number
  everyMs: number
  exit: number | 'oom'
  /** How it answers the stop signal. */
  onStop: number | 'ignore'
}

export const MISSING_IMAGE = 'missing:1'
export const SLOW_IMAGE = 'slow:1'
/** What a slow image takes to be pulled, in ms. */
const SLOW_PULL_MS = 4_000

export function programArgs({ lines, everyMs, exit, onStop }: Program, onDisconnect: 'continue' | 'stop'): string[] {
  return [lines, everyMs, exit, onStop, onDisconnect].map(String)
}

function programOf({ args }: ContainerSpec): Program {
  const [lines, everyMs, exit, onStop] = args
  return {
    lines: Number(lines),
    everyMs: Number(everyMs),
    exit: exit === 'oom' ? 'oom' : Number(exit),
    onStop: onStop === 'ignore' ? 'ignore' : Number(onStop),
  }
}

export interface MachineInit {
  index: number
  cpuMillis: number
  /** A container has just started, or ended. */
  onStart: (run: Run) => void
  onEnd: (run: Run) => void
}

export function createMachine({ time }: { time: ModelClock }, init: MachineInit): Machine {
  const { index, cpuMillis } = init
  const runs: Run[] = []
  const networks = new Set<string>()
  const guarded = new Map<string, AbortController>()
  /** When the guard ended a container. */
  const stamps = new Map<string, Moment>()
  let gone = false
  let boots = 0
  let clockSetAtMs = Number.NEGATIVE_INFINITY
  let powerOffAtMs = Number.NEGATIVE_INFINITY
  /** When its engine or its agent was last away. */
  let sightLostAtMs = Number.NEGATIVE_INFINITY
  const machine: Machine = {
    index,
    cpuMillis,
    wallOffsetMs: 0,
    bootId: `${index}`,
    diskFull: false,
    engineBackAtMs: Number.NEGATIVE_INFINITY,
    runs,
    containers: () => [...fake.containers.keys()],
    networks: () => [...networks],
    engine: (life) => engineOf(life),
    guard: (life) => ({
      async hold(name, leftMs) {
        if (!life.act()) return await never()
        guarded.get(name)?.abort()
        const timer = new AbortController()
        guarded.set(name, timer)
        // Aborted: told again, or released.
        clock.sleep(leftMs, timer.signal).then(
          () => {
            const found = gone ? undefined : fake.containers.get(name)
            if (found === undefined || found.state !== 'running') return
            stamps.set(name, momentNow(time.process(machine).clock))
            found.exit(137)
          },
          () => undefined,
        )
      },
      endedAt: async (name) => (life.act() ? (stamps.get(name) ?? null) : await never()),
      async release(name) {
        if (!life.act()) return await never()
        guarded.get(name)?.abort()
        stamps.delete(name)
      },
      close: async () => undefined,
    }),
    setEngineGone(isGone) {
      if (gone || isGone) sightLostAtMs = time.elapsedMs
      gone = isGone
      machine.engineBackAtMs = isGone ? null : time.elapsedMs
      fake.setGone(isGone)
    },
    setClock(offsetMs) {
      machine.wallOffsetMs = offsetMs
      clockSetAtMs = time.elapsedMs
    },
    lostTrackSince: (ms) => clockSetAtMs >= ms && powerOffAtMs >= ms,
    lostSightSince: (ms) => powerOffAtMs >= ms || sightLostAtMs >= ms,
    begin() {
      sightLostAtMs = time.elapsedMs
    },
    powerOff() {
      powerOffAtMs = time.elapsedMs
      boots += 1
      machine.bootId = `${index} ${boots}`
      for (const container of fake.containers.values()) container.exit(137)
    },
  }
  const { clock } = time.process(machine)
  const fake = createFakeEngine({ clock })
  fake.machine = { cpuMillis, memoryBytes: 8 * 2 ** 30 }
  fake.script = (spec): Script => {
    if (spec.image === MISSING_IMAGE) return { pullError: new EngineError('IMAGE_PULL_ERROR', 'no such image') }
    if (spec.args === undefined) return spec.image === SLOW_IMAGE ? { pullMs: SLOW_PULL_MS } : {}
    return { onStop: programOf(spec).onStop }
  }

  /** Counts, and then ends. */
  async function live(container: FakeContainer, run: Run): Promise<void> {
    const { lines, everyMs, exit } = programOf(container.spec)
    while (run.lines < lines) {
      await clock.sleep(everyMs)
      if (container.state !== 'running') return
      run.lines += 1
      container.print(String(run.lines))
    }
    await clock.sleep(everyMs)
    container.exit(exit === 'oom' ? 137 : exit, { oomKilled: exit === 'oom' })
  }

  const running = new Map<FakeContainer, Run>()

  fake.onStart = (container) => {
    const { labels, cpuMillis: ownMillis } = container.spec
    const run: Run = {
      machine: index,
      jobId: labels['cortex.job'] ?? '',
      fence: Number(labels['cortex.fence']),
      cpuMillis: ownMillis,
      startedAtMs: time.elapsedMs,
      endedAtMs: null,
      exitCode: null,
      lines: 0,
      exclusive: container.spec.args[4] === 'stop',
    }
    runs.push(run)
    running.set(container, run)
    void live(container, run)
    init.onStart(run)
  }

  fake.onExit = (container, { exitCode }) => {
    const run = running.get(container)
    if (run === undefined) return
    Object.assign(run, { endedAtMs: time.elapsedMs, exitCode })
    running.delete(container)
    init.onEnd(run)
  }

  function engineOf(life: Life): ContainerEngine {
    const acts = [
      ...(['info', 'features', 'pull', 'start', 'stop', 'wait', 'list', 'remove', 'survey'] as const),
      ...(['storage', 'volumes', 'removeVolume', 'removeImage', 'nowMs'] as const),
    ]
    const plain = mortal<ContainerEngine>(fake, life, acts)
    return {
      info: plain.info,
      nowMs: plain.nowMs,
      features: plain.features,
      // No step of its own: what it would leave, no lease needs.
      prove: async () => undefined,
      storage: plain.storage,
      limitsMet: fake.limitsMet,
      traffic: fake.traffic,
      volumes: plain.volumes,
      removeVolume: plain.removeVolume,
      removeImage: plain.removeImage,
      pull: plain.pull,
      start: plain.start,
      stop: plain.stop,
      wait: plain.wait,
      survey: plain.survey,
      stats: (...args) => whileAlive(life, fake.stats(...args)),
      logs: (...args) => whileAlive(life, fake.logs(...args)),

      // First the network, then the container: there is a moment between the two to die in.
      async create(spec, options) {
        if (!life.act()) return await never()
        if (!gone) networks.add(spec.name)
        if (!life.act()) return await never()
        await fake.create(spec, options)
      },

      async remove(name, options) {
        await plain.remove(name, options)
        if (life.act()) networks.delete(name)
        else await never()
      },

      async list(owner, options) {
        const containers = await plain.list(owner, options)
        const known = new Set(containers.map(({ name }) => name))
        const bare = [...networks].filter((name) => !known.has(name))
        const left = bare.map((name): ContainerSummary => ({ name, state: 'network-only', labels: {} }))
        return [...containers, ...left]
      },
    }
  }
  return machine
}

async function* whileAlive<T>(life: Life, source: AsyncIterable<T>): AsyncGenerator<T> {
  for await (const item of source) {
    if (!life.alive) await never()
    yield item
  }
}
