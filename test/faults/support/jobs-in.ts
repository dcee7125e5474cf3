import { openDatabase } from '../../../node/store/database.ts'
import { createTables } from '../../../node/store/tables.ts'
import type { JobStatus } from '../../../protocol/lifecycle.ts'

/** The jobs in the store of a client that does not run. */
export async function jobsIn(folder: string): Promise<{ id: string; status: JobStatus }[]> {
  const database = await openDatabase(folder)
  try {
    const jobs = await createTables(database).jobs.values().all()
    return jobs.map(({ id, state }) => ({ id, status: state.status }))
  } finally {
    await database.close()
  }
}
