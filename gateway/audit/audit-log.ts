import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { numberKey } from '../../node/store/tables.ts'
import { type Database, openTable, remove, write } from '../records/table.ts'

/** Entries kept; older ones go. */
const MAX_ENTRIES = 100_000

/** A change that somebody made or tried to make, or a wrong key. Never a body. */
export interface AuditEntry {
  /** 1 for the first, without gap. */
  seq: number
  atMs: number
  /** Null where nobody was signed in. */
  keyId: string | null
  owner: string | null
  method: string
  /** Without its query. */
  path: string
  status: number
  requestId: string
  /** Of the TCP peer. */
  address: string
}

/** Who changed what: the newest 100,000 entries, kept over restarts. */
export interface AuditLog {
  /** Reads where it is; call once before use. */
  load(): Promise<void>
  /** Returns before it is written, so that no answer waits; what cannot be written is logged. */
  note(entry: Omit<AuditEntry, 'seq' | 'atMs'>): void
  /** Entries with `seq` < `before`, newest first. */
  read(before: number, limit: number): Promise<AuditEntry[]>
  /** How many are kept. */
  total(): number
  /** Resolves when everything noted is written. */
  flush(): Promise<void>
}

/** Needs `load` before anything else is called. */
export function createAuditLog(components: { db: Database; clock: Clock; logger: Logger }): AuditLog {
  const { db, clock, logger } = components
  /** seq → who changed what. */
  const entries = openTable<AuditEntry>(db, 'audit')
  let last = 0
  let writing: Promise<void> = Promise.resolve()

  return {
    async load() {
      for await (const place of entries.keys({ reverse: true, limit: 1 })) last = Number(place)
    },
    note(entry) {
      last += 1
      const operations = [write(entries, numberKey(last), { seq: last, atMs: clock.nowMs(), ...entry })]
      if (last > MAX_ENTRIES) operations.push(remove(entries, numberKey(last - MAX_ENTRIES)))
      // In order, and without holding up the answer.
      writing = writing
        .then(async () => await db.batch(operations))
        .catch((error: unknown) => logger.error({ err: error }, 'the audit log could not be written'))
    },
    read: async (before, limit) => await entries.values({ lt: numberKey(before), reverse: true, limit }).all(),
    total: () => Math.min(last, MAX_ENTRIES),
    flush: async () => await writing,
  }
}
