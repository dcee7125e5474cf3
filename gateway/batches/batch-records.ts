import { JOB_STATUSES, type JobStatus } from '../../protocol/lifecycle.ts'
import type { BatchStatus } from '../contract/batches.ts'
import type { Owned } from '../records/owned-table.ts'

/** How many jobs are in each status; each status is there, be it with 0. */
export type StatusCounts = Record<JobStatus, number>

/** A batch as it is kept; which jobs are of it is kept beside it. */
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
  /** The batch whose failed jobs it runs again; absent where it is no such. */
  retryOf?: string
  /** The batch that runs its failed jobs again; absent where none does. */
  retriedAs?: string
}

/** A status of each job of a batch, in the order of its rows; null where the job is forgotten. */
export type Outcomes = (JobStatus | null)[]

/** What an Idempotency-Key made. */
export interface BatchKeyRecord {
  batchId: string
  digest: string
  expiresAtMs: number
}

function noCounts(): StatusCounts {
  return Object.fromEntries(JOB_STATUSES.map((status) => [status, 0])) as StatusCounts
}

/** @param statuses one for each job */
export function countStatuses(statuses: Iterable<JobStatus>): StatusCounts {
  const counts = noCounts()
  for (const status of statuses) counts[status] += 1
  return counts
}
