import { type Failure, kindOfFailure } from '../../../protocol/failures.ts'
import type { JobRecord } from '../../store/index.ts'

/** What a lease says of its provider: in everybody's eyes, or only in those of the owner of the job, who may have caused it. */
export type Experience = 'honoured' | 'broken' | 'broken-for-owner'

/**
 * What a lease that came to its end says of its provider; null where it says nothing. Only what was agreed on counts for
 * it: an end that was asked for, under a receipt that both signed. That a program failed is mostly its own doing, and a
 * provider that runs nothing could claim it as well, so it counts neither way.
 */
export function experienceOf(job: Pick<JobRecord, 'state' | 'pastLeases' | 'spec'>, fence: number): Experience | null {
  const { state } = job
  const past = job.pastLeases.find((lease) => lease.fence === fence)
  if (past?.why !== undefined) return experienceOfFailure(past.why)
  // Of an older version: lost, or tried again where the user did not ask for that, because the fault was the provider's.
  if (past !== undefined) return past.outcome === 'failed' && job.spec.retryOnFailure ? null : 'broken'
  if (state.status === 'failed') return experienceOfFailure(state.failure)
  if (state.status !== 'completed' && state.status !== 'cancelled') return null
  return state.lease !== null && state.lease.receipt !== null ? 'honoured' : null
}

/** What a failed attempt says of its provider. */
export function experienceOfFailure(why: Pick<Failure, 'code' | 'details'>): Experience | null {
  const { counts } = kindOfFailure(why)
  if (counts === 'not') return null
  return counts === 'for-owner' ? 'broken-for-owner' : 'broken'
}
