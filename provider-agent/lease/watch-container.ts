import { retried } from '../../node/backoff.ts'
import type { Moment } from '../../node/moment.ts'
import type { ContainerAccess } from '../engine/access.ts'
import { isGone } from '../engine/errors.ts'
import { type ContainerExit, KILLED } from '../engine/index.ts'
import type { Guard } from '../guard/guard.ts'
import type { ExceededLimits } from './exceeded.ts'
import { type FollowComponents, followLimits, followLogs, followStats, watchDuration } from './follow.ts'
import { logDrained } from './log-drain.ts'
import { meterEnd } from './metering.ts'
import type { StandardInput } from './standard-input.ts'
import { stopWhenAsked } from './stop-container.ts'
import { createTraffic, type Traffic } from './traffic.ts'
import { watchCondition } from './watch-condition.ts'
import { watchStorage } from './watch-storage.ts'

/** What is told of a log whose end nobody read. */
export const AWAY_AT_END =
  'The container ended while the provider’s container engine was away: the last lines that it wrote may be missing.'
/** Soon: what ends before it was seen to run again may have lost lines of its log. */
const LOOK_AGAIN = { maxMs: 1_000 }
/** How long an engine may be away whose containers do not outlive it, in ms: a restart takes less. */
const ENGINE_AWAY_MS = 20_000

/** What {@link watchContainer} works with. */
export interface WatchComponents extends FollowComponents {
  owner: string
  /** Reaches its ports. @default they are not looked at */
  access?: ContainerAccess | undefined
  /** Ends containers where this process cannot. @default none */
  guard?: Guard | undefined
  /** Whether containers run on while their engine is away. */
  outlived: () => boolean
  exceeded: ExceededLimits
}

/** Times, in ms; see `AgentInit`. */
export interface WatchInit {
  logFlushMs: number
  statsMs: number
  storageMs: number
  endpointsMs: number
  /** Whether the requester follows at the moment. */
  isHeard: () => boolean
}

/** What was seen of a container, and what may have been missed. */
export interface Sight {
  /** Whether the engine has been away since it last said that the container runs. */
  away: boolean
  /** Why lines of its log may be missing; empty where none are. */
  logProblem: string
  /** When the guard ended it; null where it did not. */
  guardedAt: Moment | null
}

/**
 * Carries everything that a container says into its lease, and holds it to its limits, until it has ended and all of its
 * output was read; answers how it ended. Says in `sight` what it could not see.
 *
 * @param over aborted here when it has ended, for all that follow it
 */
export async function watchContainer(
  components: WatchComponents,
  init: WatchInit & { sight: Sight; hadEnded: boolean; stdin: StandardInput },
  over: AbortController,
  signal: AbortSignal,
): Promise<ContainerExit> {
  const { engine, clock, lease, name, owner, outlived } = components
  const { sight } = init
  const running = AbortSignal.any([signal, over.signal])
  const logs = followLogs(components, init, running)
  const given = init.stdin.give(running)
  // No limit can stop what ended while no agent looked.
  const traffic = createTraffic(components)
  const others = init.hadEnded ? [] : watchers(components, init, traffic, running)
  let awaySinceMs: number | null = null
  let wasAway = false
  const worth = (error: unknown): boolean => {
    if (!isGone(error)) return false
    sight.away = true
    wasAway = true
    lease.meter.unseen()
    awaySinceMs ??= clock.monotonicMs()
    return outlived() || clock.monotonicMs() - awaySinceMs < ENGINE_AWAY_MS
  }
  const ended = async (): Promise<ContainerExit> => {
    if (sight.away && (await isSeenToRun())) {
      lease.meter.seen()
      sight.away = false
      awaySinceMs = null
    }
    return await engine.wait(name, { signal })
  }
  const isSeenToRun = async (): Promise<boolean> => {
    const containers = await engine.list(owner, { signal })
    return containers.some((summary) => summary.name === name && summary.state === 'running')
  }
  try {
    const exit = await retried(clock, signal, worth, ended, LOOK_AGAIN)
    lease.exited()
    if (lease.progress.stopping === null) init.stdin.check(wasAway)
    await traffic.last(signal)
    if (exit.exitCode === KILLED && lease.record.onDisconnect === 'stop')
      sight.guardedAt = (await components.guard?.endedAt(name)) ?? null
    const { away: isUnseen, guardedAt } = sight
    await meterEnd(engine, lease, exit, { isUnseen, guardedAt }, signal)
    // What a container writes while its engine is away is read only if it runs on until the engine is back.
    if (awaySinceMs !== null || exit.unseen) sight.logProblem = AWAY_AT_END
    const logEnd = await logDrained(components, { logs, isHeard: init.isHeard }, signal)
    if (logEnd !== '') sight.logProblem = logEnd
    return exit
  } finally {
    over.abort()
    await Promise.allSettled([logs, given, ...others])
  }
}

/** All that looks at a running container beside its output. */
function watchers(
  components: WatchComponents,
  init: WatchInit,
  traffic: Traffic,
  running: AbortSignal,
): Promise<void>[] {
  const { access, exceeded } = components
  return [
    followStats(components, init.statsMs, running, ({ pids }) => {
      if (pids !== null && pids.current >= pids.limit) {
        exceeded.note({ what: 'pids', limit: pids.limit, used: pids.current })
      }
    }),
    followLimits(components, running, exceeded.note),
    watchStorage(components, init.storageMs, running),
    traffic.watch(running),
    watchDuration(components, running),
    access === undefined ? Promise.resolve() : watchCondition({ ...components, access }, init.endpointsMs, running),
    stopWhenAsked(components, running),
  ]
}
