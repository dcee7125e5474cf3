import { join } from 'node:path'
import type { AbstractSublevel } from 'abstract-level'
import type { BatchOperation } from 'level'
import { type Database, openDatabase } from '../../node/store/database.ts'

/** Records of one kind, by their keys, as JSON. */
export type Table<V> = AbstractSublevel<Database, string | Buffer | Uint8Array, string, V>

export type { Database }

/** The gateway's own records, beside the job store: LevelDB in `DATA/gateway/records`. @throws {DataFolderError} */
export async function openRecords(folder: string): Promise<Database> {
  return await openDatabase(join(folder, 'records'))
}

/** @param name of its own: what two features call the same is the same table */
export function openTable<V>(db: Database, name: string): Table<V> {
  return db.sublevel<string, V>(name, { valueEncoding: 'json' })
}

/** Single values of several features, each under a name of its own. */
export function openMeta(db: Database): Table<string> {
  return openTable<string>(db, 'meta')
}

/** One write of a batch over several tables. */
export type Operation = BatchOperation<Database, string, string>

/** Puts a value in its table when the batch is written, be there one already or not. */
export function write<V>(table: Table<V>, key: string, value: V): Operation {
  // A batch holds values of different types, which the library's types cannot say.
  return { type: 'put', sublevel: table as never, key, value: value as never }
}

/** Takes a value out of its table when the batch is written; no error where there is none. */
export function remove<V>(table: Table<V>, key: string): Operation {
  return { type: 'del', sublevel: table as never, key }
}
