import { isTerminal, JOB_STATUSES } from '../../../protocol/lifecycle.ts'
import type { Clock } from '../../clock.ts'
import { jobNow } from '../job-now.ts'
import type { JobRecord } from '../records.ts'

/** Statuses of jobs that have ended. */
export const ENDS = JOB_STATUSES.filter(isTerminal)

/** Whether a job ended longer ago than that, by its own time: a wall clock that was set forward makes nothing old. */
export function isOfAge(clock: Clock, job: JobRecord, keepMs: number): boolean {
  return 'endedAtMs' in job.state && job.state.endedAtMs < jobNow(clock, job) - keepMs
}
