import type { Clock } from '../clock.ts'
import type { JobStore, VolumeAccount } from '../store/index.ts'
import { jobNow } from '../store/job-now.ts'
import { left } from './volume-account.ts'

/** How {@link endedAttempts} changes an account: without the attempts that are over. */
export type WithoutEnded = (account: VolumeAccount) => VolumeAccount

/** Which of the attempts that have a volume are over: from the end of the last of them on nobody has it. Null where none is. */
export async function endedAttempts(
  { store, clock }: { store: Pick<JobStore, 'get'>; clock: Clock },
  { users }: VolumeAccount,
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
 * How long ago the attempt ended, in ms, by this peer's clock; null while it may run. Of one that was given up, or of a job that is
 * not known any more, this moment counts.
 */
async function endedAgo(
  { store, clock }: { store: Pick<JobStore, 'get'>; clock: Clock },
  user: string,
): Promise<number | null> {
  const at = user.lastIndexOf('-')
  const fence = Number(user.slice(at + 1))
  const job = await store.get(user.slice(0, at))
  if (job === undefined) return 0
  const { state } = job
  if (state.status === 'pending') {
    return state.award?.fence === fence || state.lost?.lease.fence === fence ? null : 0
  }
  if (state.lease?.fence !== fence) return 0
  return 'endedAtMs' in state ? Math.max(0, jobNow(clock, job) - state.endedAtMs) : null
}
