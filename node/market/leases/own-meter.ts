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
