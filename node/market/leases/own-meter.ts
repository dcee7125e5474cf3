/**
 * The requester's own meter: how long a container can have run, as far as this peer knows by its own clock. Nothing that
 * a provider claims beyond it is billed or signed.
 */

import { REPORT_DELAY_MS } from '../../../protocol/limits.ts'
import type { Clock } from '../../clock.ts'
import { elapsedSince, momentNow } from '../../moment.ts'
import type { JobRecord, Lease, ToldToRun } from '../../store/index.ts'
import { mostSecondsOf } from '../../views/cost.ts'

/** How far two honest clocks may drift apart, as a share of the time. */
const DRIFT = 1e-4

/** When the provider was last heard to say that the container does not run yet. */
export interface LastIdle {
  /** Of this process, on its monotonic clock. */
  atMs: number
  /** How long nobody listened before that, in ms, because this peer was away itself. */
  awayMs: number
}

/** As this process begins to follow a lease. */
export function idleAtStart(clock: Clock, lease: Lease): LastIdle {
  const since = lease.lastContact ?? lease.awardedAt
  return { atMs: clock.monotonicMs(), awayMs: elapsedSince(clock, since) }
}

/** Notices that this process did not run for a while: it was stopped, or its machine had no time for it. */
export interface HeldUp {
  /** Waits on the clock, and notices how much later than asked for it goes on. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
  /** For how long what waited to be heard may have waited, in ms. */
  latelyMs(): number
}

/** What waited while this process was held up is heard within this time, in ms, however much it is. */
const CAUGHT_UP_MS = 10_000
/** When within a step of this length a hold began is not known, in ms; the whole step counts. */
const STEP_MS = 1_000
/** How late timers ring that nothing holds up, in ms. */
const PUNCTUAL_MS = 250

/** Notices only while somebody sleeps on it. */
export function createHeldUp(clock: Clock): HeldUp {
  let step: { beganMs: number; dueMs: number } | null = null
  let holds: { ms: number; endedMs: number }[] = []

  /** Of the step under way. Messages are heard before the timer rings that is late. */
  function holdMs(): number {
    const nowMs = clock.monotonicMs()
    return step !== null && nowMs - step.dueMs > PUNCTUAL_MS ? nowMs - step.beganMs : 0
  }

  return {
    async sleep(ms, signal) {
      try {
        for (let leftMs = ms; leftMs > 0; leftMs -= STEP_MS) {
          const beganMs = clock.monotonicMs()
          const stepMs = Math.min(leftMs, STEP_MS)
          step = { beganMs, dueMs: beganMs + stepMs }
          await clock.sleep(stepMs, signal)
          const held = holdMs()
          if (held > 0) holds.push({ ms: held, endedMs: clock.monotonicMs() })
          // As one sleep would: what was held up does not last longer for it.
          leftMs -= Math.max(0, held - stepMs)
        }
      } finally {
        step = null
      }
    },
    latelyMs() {
      const nowMs = clock.monotonicMs()
      holds = holds.filter(({ endedMs }) => nowMs - endedMs < CAUGHT_UP_MS)
      return holds.reduce((sum, { ms }) => sum + ms, holdMs())
    },
  }
}

/**
 * What is to be kept of a report that the container runs.
 *
 * @param heard.lease whose container it is: it cannot have run before the award
 * @param heard.heldUpMs how long the report may have waited because this process did not run
 */
export function toldToRun(
  clock: Clock,
  idle: LastIdle,
  heard: { lease: Lease; startedAtMs: number; heartbeatMs: number; heldUpMs: number },
): ToldToRun {
  const { lease, startedAtMs, heartbeatMs, heldUpMs } = heard
  const gapMs = Math.max(REPORT_DELAY_MS, clock.monotonicMs() - idle.atMs)
  const unheardMs = idle.awayMs + heldUpMs + Math.min(heartbeatMs, gapMs)
  const sinceAwardMs = Math.max(REPORT_DELAY_MS, elapsedSince(clock, lease.awardedAt))
  return { heardAt: momentNow(clock), unheardMs: Math.min(unheardMs, sinceAwardMs), startedAtMs }
}

/**
 * How long the container of a job's current lease can have run until now, in ms: since it was told to run, and what one
 * heartbeat explains before that; never the time before, such as that of pulling, and never more than the duration that
 * this peer granted with the grace after it. Nothing while it is not said to run.
 *
 * Counted over restarts of this process, too, and where the wall clock jumped since the machine's start.
 */
export function knownRunMs(clock: Clock, job: JobRecord, heartbeatMs: number): number {
  const { state } = job
  if (state.status !== 'running') return 0
  // A record of an older version says only when the job was awarded: it cannot have run before.
  const { heardAt, unheardMs } = state.lease.running ?? { heardAt: state.lease.awardedAt, unheardMs: 0 }
  const spanMs = elapsedSince(clock, heardAt)
  const slackMs = Math.max(unheardMs, Math.min(heartbeatMs, spanMs * DRIFT))
  return Math.min(mostSecondsOf(job) * 1000, spanMs + slackMs)
}
