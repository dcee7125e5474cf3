import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { del, type Operation, put, type Writer } from '../../node/store/writer.ts'
import { markerMessage } from './marker.ts'
import { type Cut, Outbox, type OutboxEntry, outboxKey, parseOutboxKey, type ReportKind } from './outbox.ts'
import type { Tables } from './tables.ts'

/** A report that is to be written and sent. */
export interface NewReport {
  sequence: number
  /** An encoded LeaseMessage. */
  message: Uint8Array
  kind: ReportKind
  /** For a batch of lines: the number of the last, and how many. */
  lastLine?: number
  lines?: number
}

/** How much of what is unsent is kept. */
export interface ReportsInit {
  /** Unsent bytes of one lease, and of all, beyond which the oldest lines give way. */
  maxLeaseBytes: number
  maxJournalBytes: number
}

/** The reports of all leases that their requesters have not stored yet, held to bounds. */
export interface Reports {
  /** Writes a report, and in the same batch what goes with it. */
  add(id: string, report: NewReport, beside: Operation[]): Promise<void>
  /** Written reports after `sequence`, in order, about 256 KiB of them; empty where there are none. */
  read(id: string, sequence: number): Promise<{ sequence: number; message: Uint8Array }[]>
  /** The requester has stored everything up to `sequence`. */
  acknowledge(id: string, sequence: number): Promise<void>
  /** Forgets those of a lease: what is to be written for that. */
  forget(id: string): Operation[]
  /** Unsent bytes of one lease. */
  bytes(id: string): number
  /** Whether this process has dropped lines of a lease for want of room. */
  hasDropped(id: string): boolean
}

const READ_BYTES = 256 * 1024

/** Reads the keys of what an earlier process left unsent. */
export async function openReports(
  { tables, writer, clock, logger }: { tables: Tables; writer: Writer; clock: Clock; logger: Logger },
  init: ReportsInit,
): Promise<Reports> {
  const outboxes = new Map<string, Outbox>()
  const shortened = new Set<string>()
  for await (const key of tables.outbox.keys()) {
    const parsed = parseOutboxKey(key)
    if (parsed !== null) outboxOf(parsed.leaseId).push(parsed.entry)
  }

  function outboxOf(id: string): Outbox {
    const outbox = outboxes.get(id) ?? new Outbox(id)
    outboxes.set(id, outbox)
    return outbox
  }

  function remove(id: string, entries: OutboxEntry[]): Operation[] {
    return entries.map((entry) => del(tables.outbox, outboxKey(id, entry)))
  }

  /** Makes room in one outbox; more than is needed, so that it is not done for every line. */
  async function shrink(outbox: Outbox, limit: number): Promise<void> {
    const cuts = outbox.plan(outbox.bytes - limit + limit / 8)
    await Promise.all(cuts.map(async (cut) => await apply(outbox, cut)))
  }

  async function apply(outbox: Outbox, cut: Cut): Promise<void> {
    const { leaseId } = outbox
    const { dropped, sequence, firstSequence, lastLine, lines } = cut
    const message = markerMessage(cut, clock.nowMs())
    const bytes = message.length
    const marker: OutboxEntry = { kind: 'lines', sequence, firstSequence, bytes, lastLine, lines, written: false }
    logger.warn({ lease: leaseId, lines }, 'the journal is full: the oldest lines were dropped')
    outbox.replace(cut, marker)
    if (lines > 0) shortened.add(leaseId)
    await writer.write([...remove(leaseId, dropped), put(tables.outbox, outboxKey(leaseId, marker), message)])
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
    async add(id, { sequence, message, kind, lastLine = 0, lines = 0 }, beside) {
      const figures = { kind, sequence, firstSequence: sequence, bytes: message.length, lastLine, lines }
      const entry: OutboxEntry = { ...figures, written: false }
      const outbox = outboxOf(id)
      outbox.push(entry)
      await writer.write([...beside, put(tables.outbox, outboxKey(id, entry), message)])
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
      const taken = outboxes.get(id)?.takeUpTo(sequence) ?? []
      if (taken.length > 0) await writer.write(remove(id, taken))
    },
    forget(id) {
      const taken = outboxes.get(id)?.takeUpTo(Number.POSITIVE_INFINITY) ?? []
      outboxes.delete(id)
      shortened.delete(id)
      return remove(id, taken)
    },
    bytes: (id) => outboxes.get(id)?.bytes ?? 0,
    hasDropped: (id) => shortened.has(id),
  }
}
