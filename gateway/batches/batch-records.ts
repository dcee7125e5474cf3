import { JOB_STATUSES, type JobStatus } from '../../protocol/lifecycle.ts'
import type { Owned } from '../owned-table.ts'

/**
 * `preparing` only until the answer: a crash in it leaves nothing of the batch. `completed` is ended, however its jobs
 * did; `cancelled` is ended after it was cancelled as a whole.
 */
export const BATCH_STATUSES = ['preparing', 'submitted', 'cancelling', 'completed', 'cancelled'] as const
export type BatchStatus = (typeof BATCH_STATUSES)[number]

export type StatusCounts = Record<JobStatus, number>

export interface BatchRecord extends Owned {
  status: BatchStatus
  /** Jobs in all. */
  total: number
  /** How many of them are with the market or at providers at a time, at most. */
  concurrency: number
  createdAtMs: number
  endedAtMs: number | null
  /** Set once it has ended. */
  counts: StatusCounts | null
  /** Where its Idempotency-Key is kept; null where it had none. */
  keyAt: string | null
}

/** What an Idempotency-Key made. */
export interface BatchKeyRecord {
  batchId: string
  digest: string
  expiresAtMs: number
}

function noCounts(): StatusCounts {
  return Object.fromEntries(JOB_STATUSES.map((status) => [status, 0])) as StatusCounts
}

export function countStatuses(statuses: Iterable<JobStatus>): StatusCounts {
  const counts = noCounts()
  for (const status of statuses) counts[status] += 1
  return counts
}
