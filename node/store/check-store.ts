import type { Logger } from '../logger.ts'
import type { Found, LookedAt } from '../upkeep/problem.ts'
import { checkLists, SCHEMA_KEY } from './check/check-lists.ts'
import { checkRecords } from './check/check-records.ts'
import { formed, JOB_FORMS } from './check/forms.ts'
import type { Database } from './database.ts'
import { rebuildIndexes } from './indexes/rebuild.ts'
import type { JobRecord } from './records.ts'
import type { SecretBox } from './secret-box.ts'
import { createTables, RESTORED_KEY } from './tables.ts'
import type { KeyWrite } from './whole-keys.ts'

export { formed } from './check/forms.ts'
export { ownKey, rawRecords } from './check/raw-table.ts'
export { OTHER_KEY } from './check/secrets.ts'

/** What {@link checkStore} works with. */
export interface StoreCheckComponents {
  /** That nobody else has open. */
  database: Database
  secretBox: SecretBox
  /** Takes what is wrong with what is called so. */
  found(what: string): Found
  looked(lookedAt: LookedAt): void
  /** Told of each job whose record can be read. */
  onJob?(job: JobRecord): Promise<void>
  /** Resolves when what mends so far is written. */
  settled(): Promise<void>
}

/**
 * Reads all of a job store: every record by its own form, and with what it belongs to, then the lists and counts against
 * the jobs. Changes nothing; what is in memory at a time is little, however many jobs there are.
 */
export async function checkStore(components: StoreCheckComponents): Promise<void> {
  const { database, found, looked } = components
  await checkRecords(components)
  await components.settled()
  await checkLists({ database, found: found('lists and counts of jobs'), looked })
}

/** The job of that id, where its record can be read. */
export async function readableJob(database: Database, id: string): Promise<JobRecord | undefined> {
  const key = `!jobs!${id}`
  const value = await database.get<string, Buffer>(key, { valueEncoding: 'buffer' })
  return value === undefined
    ? undefined
    : ((formed(JOB_FORMS.job, [key, value]) as unknown as JobRecord | null) ?? undefined)
}

/**
 * What a job store is told that was made of damaged files, where older records may have come back. Its lists and counts are
 * to be made anew. And it may lack what it acknowledged, as one that was put back from a backup of this moment does.
 */
export function writesAfterSalvage(nowMs: number): KeyWrite[] {
  return [{ key: SCHEMA_KEY }, { key: RESTORED_KEY, value: String(nowMs) }]
}

/** Makes lists and counts anew where a mend has taken their mark away. */
export async function remakeLists({ database, logger }: { database: Database; logger: Logger }): Promise<void> {
  const tables = createTables(database)
  if ((await database.get(SCHEMA_KEY)) === undefined) await rebuildIndexes({ tables, database, logger })
}
