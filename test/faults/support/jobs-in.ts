import { openDatabase } from '../../../node/store/database.ts'
import { createTables } from '../../../node/store/tables.ts'
import type { JobStatus } from '../../../protocol/lifecycle.ts'

/** A job as its client's store has it. */
export interface StoredJob {
  id: string
  status: JobStatus
  /** Whether no provider waits for word of an attempt of it that was lost. */
  isSettled: boolean
}

/** The jobs in the store of a client that does not run. */
export async function jobsIn(folder: string): Promise<StoredJob[]> {
  const database = await openDatabase(folder)
  try {
    const jobs = await createTables(database).jobs.values().all()
    return jobs.map(({ id, state, pastLeases }) => ({
      ...{ id, status: state.status },
      isSettled: pastLeases.every(({ settled }) => settled),
    }))
  } finally {
    await database.close()
  }
}
