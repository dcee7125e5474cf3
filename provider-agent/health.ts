/**
 * Whether the agent can take jobs: looks at the engine every few seconds, and at what else stands in the way. Whoever
 * bids asks here first.
 */

import type { Clock } from '../node/clock.ts'
import { deadline } from '../node/deadline.ts'
import type { Logger } from '../node/logger.ts'
import type { Refusal } from './bidding/policy.ts'
import type { ContainerEngine, EngineInfo } from './engine/index.ts'

/** Everything that keeps this provider from taking jobs, and the owner's own word. */
export interface Health {
  /** Resolves after the first look. */
  start(): Promise<void>
  stop(): Promise<void>
  /** Why no job is taken; null while they are. */
  paused(): Refusal | null
  /** Whether something is wrong: the engine is away, or what is looked at with it does not hold. */
  impaired(): boolean
  /** Takes nothing new until it is resumed. */
  drain(on: boolean): void
  /**
   * Somebody else ended what the engine ran: it may be about to end itself, and takes nothing until it has answered again
   * some seconds later.
   */
  doubt(): void
  /** One of the obstacles may have come or gone. */
  refresh(): void
  /** Calls back when {@link Health.paused} changed. */
  onChange(callback: () => void): void
}

/** What {@link createHealth} works with. */
export interface HealthComponents {
  engine: ContainerEngine
  clock: Clock
  logger: Logger
  /** Further reasons to take nothing, each null where all is well. */
  obstacles: (() => string | null)[]
  /** The same where something is wrong. */
  defects: (() => string | null)[]
  /** The same for what has to be looked at; asked with each look at the engine. */
  probes: (() => Promise<string | null>)[]
  /** The engine is there, for the first time or again. Where this fails, it counts as away, and is looked at again. */
  onEngine: (info: EngineInfo, signal: AbortSignal) => Promise<void>
}

/** How long getting to know an engine may take that is there again, in ms. */
const KNOW_MS = 30_000

/** How long an engine is doubted, in ms: one that is being stopped answers for a moment. */
const DOUBT_MS = 3_000

/**
 * Paused until the first look is over.
 * @param init.healthMs time between two looks at the engine, and the most that one may take, in ms
 */
export function createHealth(components: HealthComponents, init: { healthMs: number }): Health {
  const { engine, clock, obstacles, defects, probes, onEngine } = components
  const logger = components.logger.child({ part: 'health' })
  const scope = new AbortController()
  const callbacks = new Set<() => void>()
  let engineProblem: string | null = 'has not asked its engine yet'
  let probed: (string | null)[] = []
  let draining = false
  let hasLooked = false
  /** Monotonic, in ms; null while it is not doubted. */
  let doubtedUntilMs: number | null = null
  let watching: Promise<void> = Promise.resolve()
  let last: string | null = engineProblem

  function paused(): Refusal | null {
    if (draining) return { code: 'DRAINING', message: 'takes no new jobs: it is being drained' }
    const doubt =
      doubtedUntilMs === null ? null : 'is looking at its engine: a container of a job was ended from outside'
    const found = [engineProblem, doubt, ...[...obstacles, ...defects].map((problem) => problem()), ...probed]
    const problem = found.find((text) => text !== null)
    return problem == null ? null : { code: 'ENGINE_UNAVAILABLE', message: problem }
  }

  function tell(): void {
    const now = paused()?.message ?? null
    if (now === last) return
    last = now
    logger.info({ paused: now }, now === null ? 'taking jobs' : 'taking no jobs')
    for (const callback of callbacks) callback()
  }

  async function look(): Promise<void> {
    const limit = deadline(clock, init.healthMs, scope.signal)
    try {
      const info = await engine.info({ signal: limit.signal })
      if (engineProblem !== null) await getToKnow(info)
      engineProblem = null
      if (doubtedUntilMs !== null && clock.monotonicMs() >= doubtedUntilMs) doubtedUntilMs = null
    } catch (error) {
      if (!scope.signal.aborted) logger.debug({ error: String(error) }, 'the engine did not answer')
      engineProblem = 'has no container engine at the moment'
    } finally {
      limit.clear()
      hasLooked = true
      probed = await Promise.all(probes.map(async (probe) => await probe()))
      tell()
    }
  }

  async function getToKnow(info: EngineInfo): Promise<void> {
    const limit = deadline(clock, KNOW_MS, scope.signal)
    try {
      await onEngine(info, limit.signal)
    } finally {
      limit.clear()
    }
  }

  async function watch(): Promise<void> {
    while (!scope.signal.aborted) {
      // Aborted: the loop ends.
      await clock.sleep(init.healthMs, scope.signal).catch(() => undefined)
      if (!scope.signal.aborted) await look()
    }
  }

  return {
    async start() {
      await look()
      watching = watch()
    },
    async stop() {
      scope.abort(new Error('The agent stops'))
      await watching
    },
    paused,
    impaired: () =>
      hasLooked && [engineProblem, ...defects.map((defect) => defect()), ...probed].some((problem) => problem !== null),
    drain(on) {
      draining = on
      tell()
    },
    doubt() {
      doubtedUntilMs = clock.monotonicMs() + DOUBT_MS
      tell()
    },
    refresh: tell,
    onChange: (callback) => void callbacks.add(callback),
  }
}
