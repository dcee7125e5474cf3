import { breathe } from '../../turns.ts'
import type { JobRecord } from '../records.ts'
import type { Tables } from '../tables.ts'

/** Records read at a time, as text: one may have a quarter of a megabyte. */
const AT_A_TIME = 8

/**
 * Looks at jobs one after the other, and holds none.
 * @param look called with each that is there, and its place in `ids`
 */
export async function readJobs(
  tables: Pick<Tables, 'jobs'>,
  ids: string[],
  look: (job: JobRecord, place: number) => void,
): Promise<void> {
  for (let start = 0; start < ids.length; start += AT_A_TIME) {
    const some = ids.slice(start, start + AT_A_TIME)
    const texts = await tables.jobs.getMany<string, string>(some, { valueEncoding: 'utf8' })
    for (const [i, text] of texts.entries()) {
      if (text === undefined) continue
      look(JSON.parse(text) as JobRecord, start + i)
      await breathe()
    }
  }
}
