/**
 * The agent's own memory on disk: leases, and for each what its requester has not stored yet. Everything is written
 * before it is sent, state and report in one batch.
 *
 * Nothing here is flushed to the disk itself: what is written survives the end of the process, and a machine that loses
 * power has lost its containers, too; the requester then hears that the lease is unknown, and goes elsewhere.
 */

import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import type { Database } from '../../node/store/database.ts'
import { createStubbornDatabase } from '../../node/store/stubborn.ts'
import { createWriter, put } from '../../node/store/writer.ts'
import type { ImageRecord } from '../image-keeper.ts'
import { markerMessage } from './marker.ts'
import { type Cut, Outbox, type OutboxEntry, outboxKey, parseOutboxKey, type ReportKind } from './outbox.ts'
import type { LeaseProgress, LeaseRecord, SettledLease } from './records.ts'
import { leaseId } from './records.ts'

import { createTables, drop, receiptKey } from './tables.ts'

export interface Journal {
  /** Leases that are not settled, as the last process left them. */
  leases(): Promise<{ record: LeaseRecord; progress: LeaseProgress }[]>
  create(record: LeaseRecord, progress: LeaseProgress): Promise<void>
  /** Writes the progress, and with it a report where there is one. Figures are taken at once; the promise is the disk's. */
  save(id: string, progress: LeaseProgress, report?: NewReport): Promise<void>
  /** Written reports after `sequence`, in order, about 256 KiB of them; empty where there are none. */
  read(id: string, sequence: number): Promise<{ sequence: number; message: Uint8Array }[]>
  /** The requester has stored everything up to `sequence`. */
  acknowledge(id: string, sequence: number): Promise<void>
  /** Forgets the lease but for what is kept for ever. */
  settle(settled: SettledLease): Promise<void>
  settled(requester: string, jobId: string, fence: number): Promise<SettledLease | undefined>
  /** The highest fence of this requester's job among settled leases; 0 without one. */
  highestFence(requester: string, jobId: string): Promise<number>
  /** Everybody whose award was ever taken: of settled leases first, then of the others, so that some come twice. */
  requesters(): AsyncIterable<string>
  /** Every settled lease, in no order that means something. */
  receipts(): AsyncIterable<SettledLease>
  /** Whether the owner had told the agent to take nothing new. */
  isDraining(): Promise<boolean>
  setDraining(on: boolean): Promise<void>
  /** Images that were pulled for jobs, and are not removed yet. */
  images(): Promise<ImageRecord[]>
  saveImage(record: ImageRecord): Promise<void>
  dropImage(imageId: string): Promise<void>
  /** Jobs since the folder was made. */
  counts(): { completed: number; failed: number }
  /** A number higher than any it answered before, at least `nowMs`. */
  nextIncarnation(nowMs: number): Promise<number>
  /** Unsent bytes of one lease. */
  bytes(id: string): number
  /** Why writing does not work at the moment; null while it does. */
  problem(): string | null
  close(): Promise<void>
}

export interface NewReport {
  sequence: number
  /** An encoded LeaseMessage. */
  message: Uint8Array
  kind: ReportKind
  /** For a batch of lines: the number of the last, and how many. */
  lastLine?: number
  lines?: number
}

export interface JournalInit {
  maxLeaseBytes: number
  maxJournalBytes: number
}

const READ_BYTES = 256 * 1024

export async function openJournal(
  { database, clock, logger }: { database: Database; clock: Clock; logger: Logger },
  init: JournalInit,
): Promise<Journal> {
  const tables = createTables(database)
  const stubborn = createStubbornDatabase({ database, clock, logger })
  const writer = createWriter(stubborn.database as Database)
  const outboxes = new Map<string, Outbox>()
  let counts = (await tables.meta.get('counts')) ?? { completed: 0, failed: 0 }
  for await (const key of tables.outbox.keys()) {
    const parsed = parseOutboxKey(key)
    if (parsed !== null) outboxOf(parsed.leaseId).push(parsed.entry)
  }

  function outboxOf(id: string): Outbox {
    const outbox = outboxes.get(id) ?? new Outbox(id)
    outboxes.set(id, outbox)
    return outbox
  }

  function remove(outbox: Outbox, entries: OutboxEntry[]) {
    return entries.map((entry) => drop(tables.outbox, outboxKey(outbox.leaseId, entry)))
  }

  /** Makes room in one outbox; more than is needed, so that it is not done for every line. */
  async function shrink(outbox: Outbox, limit: number): Promise<void> {
    const cuts = outbox.plan(outbox.bytes - limit + limit / 8)
    await Promise.all(cuts.map(async (cut) => await apply(outbox, cut)))
  }

  async function apply(outbox: Outbox, cut: Cut): Promise<void> {
    const { dropped, sequence, firstSequence, lastLine, lines } = cut
    const message = markerMessage(cut, clock.nowMs())
    const bytes = message.length
    const marker: OutboxEntry = { kind: 'lines', sequence, firstSequence, bytes, lastLine, lines, written: false }
    logger.warn({ lease: outbox.leaseId, lines }, 'the journal is full: the oldest lines were dropped')
    outbox.replace(cut, marker)
    await writer.write([...remove(outbox, dropped), put(tables.outbox, outboxKey(outbox.leaseId, marker), message)])
    marker.written = true
  }

  async function keepBounds(outbox: Outbox): Promise<void> {
    if (outbox.bytes > init.maxLeaseBytes) await shrink(outbox, init.maxLeaseBytes)
    let total = 0
    let largest = outbox
    for (const other of outboxes.values()) {
      total += other.bytes
      if (other.bytes > largest.bytes) largest = other
    }
    if (total > init.maxJournalBytes) await shrink(largest, Math.max(0, largest.bytes - (total - init.maxJournalBytes)))
  }

  return {
    async leases() {
      const records = await tables.leases.iterator().all()
      return await Promise.all(
        records.map(async ([id, record]) => {
          const progress = await tables.progress.get(id)
          if (progress === undefined) throw new Error(`The journal has no progress of lease ${id}`)
          return { record, progress }
        }),
      )
    },
    async create(record, progress) {
      const id = leaseId(record.jobId, record.fence)
      await writer.write([put(tables.leases, id, record), put(tables.progress, id, progress)])
    },
    async save(id, progress, report) {
      const operations = [put(tables.progress, id, progress)]
      if (report === undefined) return await writer.write(operations)
      const { sequence, message, kind, lastLine = 0, lines = 0 } = report
      const figures = { kind, sequence, firstSequence: sequence, bytes: message.length, lastLine, lines }
      const entry: OutboxEntry = { ...figures, written: false }
      const outbox = outboxOf(id)
      outbox.push(entry)
      await writer.write([...operations, put(tables.outbox, outboxKey(id, entry), message)])
      entry.written = true
      await keepBounds(outbox)
    },
    async read(id, sequence) {
      const entries = outboxes.get(id)?.after(sequence, READ_BYTES) ?? []
      if (entries.length === 0) return []
      const messages = await tables.outbox.getMany(entries.map((entry) => outboxKey(id, entry)))
      return entries.flatMap((entry, i) => {
        const message = messages[i]
        // Acknowledged or dropped while it was read.
        return message === undefined ? [] : [{ sequence: entry.sequence, message }]
      })
    },
    async acknowledge(id, sequence) {
      const outbox = outboxes.get(id)
      const taken = outbox?.takeUpTo(sequence) ?? []
      if (outbox !== undefined && taken.length > 0) await writer.write(remove(outbox, taken))
    },
    async settle(settled) {
      const id = leaseId(settled.jobId, settled.fence)
      const outbox = outboxes.get(id)
      const taken = outbox?.takeUpTo(Number.POSITIVE_INFINITY) ?? []
      outboxes.delete(id)
      if (settled.end !== null) {
        const completed = settled.end.outcome === 'exited' && settled.end.exitCode === 0
        counts = {
          completed: counts.completed + (completed ? 1 : 0),
          failed: counts.failed + (settled.end.outcome === 'failed' || settled.end.exitCode !== 0 ? 1 : 0),
        }
      }
      await writer.write([
        ...(outbox === undefined ? [] : remove(outbox, taken)),
        drop(tables.leases, id),
        drop(tables.progress, id),
        put(tables.receipts, receiptKey(settled.requester, settled.jobId, settled.fence), settled),
        put(tables.meta, 'counts', counts),
      ])
    },
    settled: async (requester, jobId, fence) => await tables.receipts.get(receiptKey(requester, jobId, fence)),
    async highestFence(requester, jobId) {
      const range = { gt: `${requester}!${jobId}!`, lt: `${requester}!${jobId}!~` }
      const [newest] = await tables.receipts.values({ ...range, reverse: true, limit: 1 }).all()
      return newest?.fence ?? 0
    },
    async *requesters() {
      // From each to the next, over all its receipts at once.
      for (let last = ''; ; ) {
        const [key] = await tables.receipts.keys({ gt: last === '' ? '' : `${last}!~`, limit: 1 }).all()
        if (key === undefined) break
        last = key.slice(0, key.indexOf('!'))
        yield last
      }
      for await (const { requester } of tables.leases.values()) yield requester
    },
    receipts: () => tables.receipts.values(),
    isDraining: async () => (await tables.numbers.get('draining')) === 1,
    async setDraining(on) {
      await writer.write([put(tables.numbers, 'draining', on ? 1 : 0)])
    },
    images: async () => await tables.images.values().all(),
    saveImage: async (record) => await writer.write([put(tables.images, record.imageId, record)]),
    dropImage: async (imageId) => await writer.write([drop(tables.images, imageId)]),
    counts: () => counts,
    async nextIncarnation(nowMs) {
      const last = (await tables.numbers.get('incarnation')) ?? 0
      const next = Math.max(nowMs, last + 1)
      await writer.write([put(tables.numbers, 'incarnation', next)])
      return next
    },
    bytes: (id) => outboxes.get(id)?.bytes ?? 0,
    problem: stubborn.problem,
    async close() {
      stubborn.giveUp()
      // Whoever asked for the last write heard how it went.
      await writer.idle().catch(() => undefined)
      await database.close()
    },
  }
}
