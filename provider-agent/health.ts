/**
 * Whether the agent can take jobs: looks at the engine every few seconds, and at what else stands in the way. Whoever
 * bids asks here first.
 */

import type { Clock } from '../node/clock.ts'
import { deadline } from '../node/deadline.ts'
import type { Logger } from '../node/logger.ts'
import type { ContainerEngine, EngineInfo } from './engine/index.ts'
import type { Refusal } from './policy.ts'

export interface Health {
  /** Resolves after the first look. */
  start(): Promise<void>
  stop(): Promise<void>
  /** Why no job is taken; null while they are. */
  paused(): Refusal | null
  /** Takes nothing new until it is resumed. */
  drain(on: boolean): void
  /** One of the obstacles may have come or gone. */
  refresh(): void
  /** Calls back when {@link Health.paused} changed. */
  onChange(callback: () => void): void
}

export interface HealthComponents {
  engine: ContainerEngine
  clock: Clock
  logger: Logger
  /** Further reasons to take nothing, each null where all is well. */
  obstacles: (() => string | null)[]
  /** The same for what has to be looked at; asked with each look at the engine. */
  probes: (() => Promise<string | null>)[]
  /** The engine is there, for the first time or again. */
  onEngine: (info: EngineInfo) => void
}

export function createHealth(components: HealthComponents, init: { healthMs: number }): Health {
  const { engine, clock, obstacles, probes, onEngine } = components
  const logger = components.logger.child({ part: 'health' })
  const scope = new AbortController()
  const callbacks = new Set<() => void>()
  let engineProblem: string | null = 'has not asked its engine yet'
  let probed: (string | null)[] = []
  let draining = false
  let watching: Promise<void> = Promise.resolve()
  let last: string | null = engineProblem

  function paused(): Refusal | null {
    if (draining) return { code: 'DRAINING', message: 'takes no new jobs: it is being drained' }
    const found = [engineProblem, ...obstacles.map((obstacle) => obstacle()), ...probed]
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
      if (engineProblem !== null) onEngine(info)
      engineProblem = null
    } catch (error) {
      if (!scope.signal.aborted) logger.debug({ error: String(error) }, 'the engine did not answer')
      engineProblem = 'has no container engine at the moment'
    } finally {
      limit.clear()
      probed = await Promise.all(probes.map(async (probe) => await probe()))
      tell()
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
    drain(on) {
      draining = on
      tell()
    },
    refresh: tell,
    onChange: (callback) => void callbacks.add(callback),
  }
}
