/**
 * Times that a provider tells, put into the job's own time: what its clock differs by is found out once for each lease,
 * from its first reports, and whatever it says after that lies between the job's beginning and now.
 */

import type { Report } from '../../../protocol/gen/cortex/v1/market_pb.js'
import type { ClockOffset, JobDraft, Lease } from '../../store/index.ts'
import { leaseOf } from '../../store/records.ts'
import type { CheckedEnd, Received } from './received.ts'

/**
 * What is known of a lease's clock after one report more: it was written after the award was sent, and before it came
 * here. Reports that come after the start change nothing any more: one lease has one offset.
 */
export function offsetAfter(
  { job, nowMs }: JobDraft,
  lease: Lease,
  { timestampMs }: Report,
  { sinceAwardMs }: Pick<Received, 'sinceAwardMs'>,
): ClockOffset {
  const known = lease.clockOffset
  if (known !== undefined && job.state.status !== 'scheduled') return known
  const writtenMs = Number(timestampMs)
  const mostMs = Math.min(known?.mostMs ?? Number.POSITIVE_INFINITY, nowMs - writtenMs)
  const leastMs = Math.max(known?.leastMs ?? Number.NEGATIVE_INFINITY, nowMs - sinceAwardMs - writtenMs)
  return { leastMs: Math.min(leastMs, mostMs), mostMs }
}

/** Where the two clocks may be alike, they are taken for it; else reports take next to no time. */
function offsetOf(lease: Lease | null): number {
  const { leastMs, mostMs } = lease?.clockOffset ?? { leastMs: 0, mostMs: 0 }
  return leastMs <= 0 && mostMs >= 0 ? 0 : mostMs
}

/** A time of the provider's, in the job's time. */
export function jobTime(draft: JobDraft, providerMs: number): number {
  return believed(draft, providerMs + offsetOf(leaseOf(draft.job)))
}

/** Nothing of a job happens before what came before it, or later than now. */
export function believed({ job: { state }, nowMs }: JobDraft, timeMs: number): number {
  const startedAtMs = 'startedAtMs' in state ? state.startedAtMs : null
  const earliestMs = startedAtMs ?? ('scheduledAtMs' in state ? state.scheduledAtMs : null)
  return Math.max(earliestMs ?? 0, Math.min(timeMs, nowMs))
}

/** When a container ended. Where the provider's clock was set back meanwhile, what was metered is the better witness. */
export function endTime(draft: JobDraft, providerMs: number, end: CheckedEnd | null): number {
  const { state } = draft.job
  const toldMs = jobTime(draft, providerMs)
  if (state.status !== 'running' || end === null) return toldMs
  // Billed is the second begun.
  const leastMs = state.startedAtMs + Math.max(0, end.meteredMs - 1_000)
  return believed(draft, Math.max(toldMs, leastMs))
}
