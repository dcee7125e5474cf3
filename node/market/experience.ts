import type { JobRecord } from '../store/index.ts'
import { isProvidersFault } from './apply-report.ts'

/**
 * What a lease that came to its end says of its provider; null where it says nothing. Only what was agreed on counts for
 * it: an end that was asked for, under a receipt that both signed. That a program failed is mostly its own doing, and a
 * provider that runs nothing could claim it as well, so it counts neither way.
 */
export function experienceOf(job: Pick<JobRecord, 'state' | 'pastLeases' | 'spec'>, fence: number) {
  const { state } = job
  const past = job.pastLeases.find((lease) => lease.fence === fence)
  // Tried again: where the user did not ask for that, because the fault was the provider's.
  if (past !== undefined) return job.spec.retryOnFailure && past.outcome === 'failed' ? null : 'broken'
  if (state.status === 'failed') return isProvidersFault(state.failure) ? 'broken' : null
  if (state.status !== 'completed' && state.status !== 'cancelled') return null
  return state.lease !== null && state.lease.receipt !== null ? 'honoured' : null
}
