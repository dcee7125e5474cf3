import type { Clock } from '../../node/clock.ts'
import { elapsedSince, spanSince } from '../../node/moment.ts'
import { NO_RESOURCES } from '../../protocol/units.ts'
import type { Book } from '../capacity/book.ts'
import type { Journal } from '../journal/journal.ts'
import type { KeptReceipt, KeptRecord } from '../journal/records.ts'
import { keptKey } from './keeping-rules.ts'
import { over, unpaidSeconds } from './kept-account.ts'

/** How long a volume that is there no more is told of while its last receipt is not signed, in ms. */
const OWED_MS = 7 * 24 * 3_600_000
/** Of those at most so many are told of; the oldest go first. */
const MAX_OWED = 1_000

/** What is known of volumes that outlive their jobs, in memory as in the journal, and which leases have them. */
export interface KeptRecords {
  readonly all: ReadonlyMap<string, KeptRecord>
  /** Those that are there no more, and whose last receipt is not signed yet. */
  readonly owed: ReadonlyMap<string, KeptRecord>
  /** By volume the leases that have it, and whether each shares it. */
  readonly users: ReadonlyMap<string, ReadonlyMap<string, boolean>>
  isUsed(key: string): boolean
  /** Whether nobody has it or is at it, and its time is over or its removal was asked for. */
  isOver(record: KeptRecord): boolean
  /** A lease has it from now on. */
  use(key: string, leaseId: string, shared: boolean): void
  /** It has it no longer. Whether it had it till now. */
  leave(key: string, leaseId: string): boolean
  /** Something is read from it or written to it from now on, until what this answers is called: meanwhile its time is not over. */
  lend(key: string): () => void
  /** Known from this moment on, with those that have it; resolves when it is written down. */
  put(record: KeptRecord): Promise<void>
  /** What is known of it changes, whether it is there or still owed for. @param receipt that both sides have signed with that */
  note(record: KeptRecord, receipt?: KeptReceipt): Promise<void>
  /** It is there no more, and nobody owes anything for it from now on. */
  drop(record: KeptRecord): Promise<void>
  /** It was removed: what is not signed of it yet is still owed, for a week. */
  removed(record: KeptRecord): Promise<void>
  /** Both sides have signed a receipt of it. */
  settled(record: KeptRecord, receipt: KeptReceipt): Promise<void>
  /** Forgets what was owed for too long. */
  forget(): Promise<void>
  /** Its room is held for it, beside what leases hold. */
  hold(record: KeptRecord): void
  /** Its room is held by a lease. */
  letGo(key: string): void
  /** Takes up what the journal has. */
  read(): Promise<void>
}

/** None before {@link KeptRecords.read}. */
export function createKeptRecords({
  journal,
  book,
  clock,
}: {
  journal: Pick<Journal, 'volumes' | 'saveVolume' | 'dropVolume'>
  book: Pick<Book, 'adopt' | 'release'>
  clock: Clock
}): KeptRecords {
  const all = new Map<string, KeptRecord>()
  const owed = new Map<string, KeptRecord>()
  const users = new Map<string, Map<string, boolean>>()
  const lent = new Map<string, number>()
  const isUsed = (key: string): boolean => (users.get(key)?.size ?? 0) > 0
  const holdId = (key: string): string => `kept ${key}`

  function letGo(record: KeptRecord): void {
    const key = keptKey(record)
    all.delete(key)
    book.release(holdId(key))
  }

  async function forget(record: KeptRecord): Promise<void> {
    owed.delete(keptKey(record))
    await journal.dropVolume(record)
  }

  async function note(record: KeptRecord, receipt?: KeptReceipt): Promise<void> {
    const known = record.overAt === undefined ? all : owed
    known.set(keptKey(record), record)
    await journal.saveVolume(record, receipt)
  }

  function hold(record: KeptRecord): void {
    const resources = { ...NO_RESOURCES, storageBytes: record.sizeBytes }
    book.adopt(holdId(keptKey(record)), { requester: record.requester, resources })
  }

  return {
    ...{ all, owed, users, isUsed, hold },
    letGo: (key) => book.release(holdId(key)),
    isOver(record) {
      if (isUsed(keptKey(record)) || lent.has(keptKey(record))) return false
      return record.deleting === true || spanSince(clock, record.usedAt) >= record.keepSeconds * 1000
    },
    use: (key, leaseId, shared) =>
      void users.set(key, (users.get(key) ?? new Map<string, boolean>()).set(leaseId, shared)),
    leave(key, leaseId) {
      const own = users.get(key)
      const had = own?.delete(leaseId) ?? false
      if (own?.size === 0) users.delete(key)
      return had
    },
    lend(key) {
      lent.set(key, (lent.get(key) ?? 0) + 1)
      return () => {
        const left = (lent.get(key) ?? 1) - 1
        if (left > 0) lent.set(key, left)
        else lent.delete(key)
      }
    },
    async put({ hadBy: _earlier, ...rest }) {
      const key = keptKey(rest)
      const hadBy = [...(users.get(key)?.keys() ?? [])]
      const record = hadBy.length === 0 ? rest : { ...rest, hadBy }
      all.set(key, record)
      owed.delete(key)
      await journal.saveVolume(record)
    },
    async drop(record) {
      letGo(record)
      await journal.dropVolume(record)
    },
    async removed(record) {
      const last = over(clock, all.get(keptKey(record)) ?? record)
      letGo(record)
      if (unpaidSeconds(clock, last) === 0) return await journal.dropVolume(record)
      owed.set(keptKey(record), last)
      await journal.saveVolume(last)
    },
    note,
    async settled(record, receipt) {
      await note(record, receipt)
      if (record.overAt !== undefined && unpaidSeconds(clock, record) === 0) await forget(record)
    },
    async forget() {
      for (const record of [...owed.values()]) {
        const isOld = record.overAt === undefined || elapsedSince(clock, record.overAt) >= OWED_MS
        if (isOld || owed.size > MAX_OWED) await forget(record)
      }
    },
    async read() {
      for (const record of await journal.volumes()) {
        if (record.overAt !== undefined) {
          owed.set(keptKey(record), record)
          continue
        }
        all.set(keptKey(record), record)
        hold(record)
      }
    },
  }
}
