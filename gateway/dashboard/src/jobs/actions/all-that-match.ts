import type { JobQuery } from '../../../../client/index.ts'
import { client } from '../../app/client.ts'
import type { JobRow } from '../job-row.ts'

/** Jobs that something is done to at once. */
export const MOST_AT_ONCE = 5_000

/** Every job that matches, folded ones too, as they are now; one more than {@link MOST_AT_ONCE} where there are more. */
export async function allThatMatch({ fold: _fold, ...query }: JobQuery): Promise<JobRow[]> {
  const jobs: JobRow[] = []
  const fields = ['id', 'status', 'name', 'image'] as const
  for await (const job of client.jobs.all({ ...query, fields, limit: 100 })) {
    jobs.push(job as JobRow)
    if (jobs.length > MOST_AT_ONCE) break
  }
  return jobs
}
