import { MAX_OWNED } from '../http/limits.ts'
import type { StoredConfig } from '../jobs/index.ts'
import { type Owned, type OwnedTable, openOwnedTable } from '../records/owned-table.ts'
import { type Database, openTable } from '../records/table.ts'

/** A template as it is kept, its secrets sealed. */
export interface TemplateRecord extends Owned, StoredConfig {
  name: string
  description: string
  createdAtMs: number
  updatedAtMs: number
}

/** The templates of all owners; each may have `MAX_OWNED.templates`. */
export type TemplateTable = OwnedTable<TemplateRecord>

/** Reads the ids of all of them. */
export async function openTemplateTable(db: Database): Promise<TemplateTable> {
  const limit = { most: MAX_OWNED.templates, what: 'templates' }
  /** id → template. */
  return await openOwnedTable({ db, table: openTable<TemplateRecord>(db, 'templates') }, { limit })
}
