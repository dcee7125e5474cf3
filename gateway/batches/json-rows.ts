import { setImmediate as turn } from 'node:timers/promises'
import { checkJob } from './row-job.ts'
import type { RowSource } from './rows.ts'

/** Rows after which others get their turn. */
const ROWS_A_TURN = 100

/** The jobs of a list. */
export function jsonRows(jobs: unknown[]): RowSource {
  return async function* () {
    for (const [i, job] of jobs.entries()) {
      if (i % ROWS_A_TURN === 0) await turn()
      yield { row: i + 1, line: null, ...checkJob(job) }
    }
  }
}
