import type { Database } from '../database.ts'
import type { DumpRecord } from '../dump.ts'

const AT_A_TIME = 500
const READ_BYTES = 256 * 1024

/** The records of one table, in order, as they are stored. */
export interface RawTable {
  /** The next one, which stays the next. Its key has the name of its table. */
  peek(): Promise<DumpRecord | undefined>
  next(): Promise<DumpRecord | undefined>
  close(): Promise<void>
}

/** As of this moment, a few hundred at a time. */
export function openRawTable(database: Database, name: string): RawTable {
  const prefix = `!${name}!`
  const records = database.iterator<string, Buffer>({
    ...{ gt: prefix, lt: `!${name}"`, keyEncoding: 'utf8', valueEncoding: 'buffer' },
    highWaterMarkBytes: READ_BYTES,
  } as object)
  let read: DumpRecord[] = []
  let at = 0

  async function peek(): Promise<DumpRecord | undefined> {
    if (at === read.length) {
      read = await records.nextv(AT_A_TIME)
      at = 0
    }
    return read[at]
  }

  return {
    peek,
    async next() {
      const record = await peek()
      at += 1
      return record
    },
    close: async () => await records.close(),
  }
}

/** Without the name of its table. */
export function ownKey([key]: DumpRecord): string {
  return key.slice(key.indexOf('!', 1) + 1)
}

/** All of a table, one after the other. */
export async function* rawRecords(database: Database, name: string): AsyncGenerator<DumpRecord> {
  const table = openRawTable(database, name)
  try {
    for (let record = await table.next(); record !== undefined; record = await table.next()) yield record
  } finally {
    await table.close()
  }
}
