import type { JobRow } from '../job-row.ts'

/** Jobs beyond which nobody needs to be led any more. */
const MOST_JOBS = 5

/** Whether somebody is at the beginning: no job of theirs has done its work yet, nor one of a batch. */
export function isBeginning(rows: readonly Pick<JobRow, 'status' | 'batch'>[]): boolean {
  const isDone = ({ status, batch }: (typeof rows)[number]) =>
    status === 'completed' || (batch?.counts.completed ?? 0) > 0
  return rows.length <= MOST_JOBS && !rows.some(isDone)
}
