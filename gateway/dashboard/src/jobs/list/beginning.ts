import type { JobRow } from '../job-row.ts'

/** Jobs beyond which nobody needs to be led any more. */
const MOST_JOBS = 5

/** Whether somebody is at the beginning: no job of theirs has done its work yet. */
export function isBeginning(rows: readonly JobRow[]): boolean {
  return rows.length <= MOST_JOBS && rows.every(({ status }) => status !== 'completed')
}
