import type { Database } from './database.ts'

/** A key with all that names its table, and what stands there. */
export type DumpRecord = [key: string, value: Buffer]

/** Everything in a database as of one moment, whatever is written meanwhile. */
export interface Dump {
  /** The next records in the order of their keys, about a mebibyte at most; none at the end. @throws where nothing can be stored */
  next(): Promise<DumpRecord[]>
  /** May be called at any time, and again. */
  close(): Promise<void>
}

const READ_BYTES = 256 * 1024
const RECORDS_AT_A_TIME = 1_000

/**
 * What the database holds at this moment: that of two that are opened in one turn is of the same one.
 *
 * @param leftOut beginnings of keys that are passed over, since the program makes them anew from the others
 */
export function openDump(database: Database, leftOut: readonly string[] = []): Dump {
  const records = database.iterator<string, Buffer>({
    ...{ keyEncoding: 'utf8', valueEncoding: 'buffer' },
    highWaterMarkBytes: READ_BYTES,
  } as object)
  const isLeftOut = (key: string): string | undefined => leftOut.find((one) => key.startsWith(one))
  let closing: Promise<void> | null = null

  return {
    async next() {
      for (;;) {
        // A full disk is mended in a moment in which nothing reads: this one would be in its way.
        const problem = database.problem?.() ?? null
        if (problem !== null) throw new Error(`The store cannot be written at the moment (${problem})`)
        const read = await records.nextv(RECORDS_AT_A_TIME)
        if (read.length === 0) return []
        const wanted = read.filter(([key]) => isLeftOut(key) === undefined)
        const over = isLeftOut(read.at(-1)?.[0] ?? '')
        if (over !== undefined) records.seek(after(over))
        if (wanted.length > 0) return wanted
      }
    },
    async close() {
      closing ??= records.close()
      await closing
    },
  }
}

/** The first key behind all that begin so. */
function after(beginning: string): string {
  return beginning.slice(0, -1) + String.fromCharCode(beginning.charCodeAt(beginning.length - 1) + 1)
}
