import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { numberKey } from '../../node/store/tables.ts'
import { type Records, remove, write } from '../records.ts'

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

export interface AuditLog {
  /** Reads where it is; call once before use. */
  load(): Promise<void>
  note(entry: Omit<AuditEntry, 'seq' | 'atMs'>): void
  /** Entries with `seq` < `before`, newest first. */
  read(before: number, limit: number): Promise<AuditEntry[]>
  total(): number
  /** Resolves when everything noted is written. */
  flush(): Promise<void>
}

export function createAuditLog(components: { records: Records; clock: Clock; logger: Logger }): AuditLog {
  const { records, clock, logger } = components
  let last = 0
  let writing: Promise<void> = Promise.resolve()

  return {
    async load() {
      for await (const place of records.audit.keys({ reverse: true, limit: 1 })) last = Number(place)
    },
    note(entry) {
      last += 1
      const operations = [write(records.audit, numberKey(last), { seq: last, atMs: clock.nowMs(), ...entry })]
      if (last > MAX_ENTRIES) operations.push(remove(records.audit, numberKey(last - MAX_ENTRIES)))
      // In order, and without holding up the answer.
      writing = writing
        .then(async () => await records.database.batch(operations))
        .catch((error: unknown) => logger.error({ err: error }, 'the audit log could not be written'))
    },
    read: async (before, limit) => await records.audit.values({ lt: numberKey(before), reverse: true, limit }).all(),
    total: () => Math.min(last, MAX_ENTRIES),
    flush: async () => await writing,
  }
}
