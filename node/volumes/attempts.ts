import type { Clock } from '../clock.ts'
import { spanSince } from '../moment.ts'
import type { JobStore, VolumeAccount } from '../store/index.ts'
import { jobNow } from '../store/job-now.ts'
import { left } from './volume-account.ts'

/** How {@link endedAttempts} changes an account: without the attempts that are over. */
export type WithoutEnded = (account: VolumeAccount) => VolumeAccount

/** What {@link endedAttempts} works with. */
export interface AttemptsComponents {
  store: Pick<JobStore, 'get' | 'bill'>
  clock: Clock
}

/** Which of the attempts that have a volume are over: from the end of the last of them on nobody has it. Null where none is. */
export async function endedAttempts(
  { store, clock }: AttemptsComponents,
  { users }: Pick<VolumeAccount, 'users'>,
): Promise<WithoutEnded | null> {
  const ended: string[] = []
  let agoMs = Number.POSITIVE_INFINITY
  for (const user of users) {
    const endedMs = await endedAgo({ store, clock }, user)
    if (endedMs === null) continue
    ended.push(user)
    agoMs = Math.min(agoMs, endedMs)
  }
  return ended.length === 0 ? null : (account) => left(clock, account, ended, agoMs)
}

/**
 * How long ago the attempt ended, in ms, by this peer's clock; null while it may run. Its provider tells the end, but none of before
 * this peer heard of the attempt last. Of one that was given up, or of a job that nothing is known of any more, this moment counts.
 */
async function endedAgo({ store, clock }: AttemptsComponents, user: string): Promise<number | null> {
  const at = user.lastIndexOf('-')
  const fence = Number(user.slice(at + 1))
  const jobId = user.slice(0, at)
  const job = (await store.get(jobId)) ?? (await store.bill(jobId))
  if (job === undefined) return 0
  const { state } = job
  if (state.status === 'pending') {
    return state.award?.fence === fence || state.lost?.lease.fence === fence ? null : 0
  }
  const { lease } = state
  if (lease?.fence !== fence) return 0
  if (!('endedAtMs' in state)) return null
  const heard = lease.heard?.at(-1)
  const mostMs = heard === undefined ? Number.POSITIVE_INFINITY : spanSince(clock, heard)
  return Math.max(0, Math.min(jobNow(clock, job) - state.endedAtMs, mostMs))
}
