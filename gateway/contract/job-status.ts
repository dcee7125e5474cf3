/** The life of a job, as far as whoever follows it needs it. */
import { isTerminal, JOB_STATUSES } from '../../protocol/lifecycle.ts'

export { isTerminal, JOB_STATUSES }

/** Of jobs that go on. */
export const OPEN_STATUSES = JOB_STATUSES.filter((status) => !isTerminal(status))

/** Of jobs that are over. */
export const ENDED_STATUSES = JOB_STATUSES.filter(isTerminal)

/** Whether a job with this status changes no more; of what is not known yet that is not known either. */
export function hasEnded(status: string | undefined): boolean {
  return JOB_STATUSES.some((known) => known === status && isTerminal(known))
}
