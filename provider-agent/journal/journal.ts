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
import { createRetryingDatabase } from '../../node/store/retrying-database.ts'
import { createWriter, del, put, type Writer } from '../../node/store/writer.ts'
import {
  type ImageRecord,
  type JobPast,
  type KeptReceipt,
  type KeptRecord,
  type LeaseProgress,
  type LeaseRecord,
  leaseId,
  type SettledLease,
} from './records.ts'
import { type NewReport, openReports, type Reports, type ReportsInit } from './reports.ts'
import { createTables, type JobCounts, keptReceiptKey, receiptKey, type Tables } from './tables.ts'

/** What outlives the process. Whatever writes resolves once the database has it. */
export interface Journal extends Omit<Reports, 'add' | 'forget'> {
  /** Leases that are not settled, as the last process left them. */
  leases(): Promise<{ record: LeaseRecord; progress: LeaseProgress }[]>
  create(record: LeaseRecord, progress: LeaseProgress): Promise<void>
  /** Writes the progress, and with it a report where there is one. Figures are taken at once; the promise is the disk's. */
  save(id: string, progress: LeaseProgress, report?: NewReport): Promise<void>
  /** Forgets the lease but for what is kept for ever. */
  settle(settled: SettledLease): Promise<void>
  settled(requester: string, jobId: string, fence: number): Promise<SettledLease | undefined>
  /** What settled leases say of this requester's job. */
  pastOf(requester: string, jobId: string): Promise<JobPast>
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
  /** Volumes that outlive their jobs. */
  volumes(): Promise<KeptRecord[]>
  /** @param receipt of it that both sides have signed now */
  saveVolume(record: KeptRecord, receipt?: KeptReceipt): Promise<void>
  dropVolume(record: Pick<KeptRecord, 'requester' | 'id'>): Promise<void>
  keptReceipt(requester: string, id: string, number: number): Promise<KeptReceipt | undefined>
  /** Every receipt of every volume, in no order that means something. */
  keptReceipts(): AsyncIterable<KeptReceipt>
  /** Jobs since the folder was made. */
  counts(): JobCounts
  /** How fast what jobs need has come in lately, in bytes a second; 0 where nothing has. @param from where it comes from */
  rate(from: string): Promise<number>
  setRate(from: string, bytesPerSecond: number): Promise<void>
  /** A number higher than any it answered before, at least `nowMs`. */
  nextIncarnation(nowMs: number): Promise<number>
  /** Why writing does not work at the moment; null while it does. */
  problem(): string | null
  close(): Promise<void>
}

/**
 * Reads the figures of what is unsent. A write that the disk refuses is tried again; meanwhile {@link Journal.problem}
 * says why.
 */
export async function openJournal(
  { database, clock, logger }: { database: Database; clock: Clock; logger: Logger },
  init: ReportsInit,
): Promise<Journal> {
  const tables = createTables(database)
  const retrying = createRetryingDatabase({ database, clock, logger })
  const writer = createWriter(retrying.database as Database)
  const { add, forget, ...reports } = await openReports({ tables, writer, clock, logger }, init)
  let counts = (await tables.meta.get('counts')) ?? { completed: 0, failed: 0 }

  return {
    ...reports,
    ...settledIn(tables),
    ...imagesIn(tables, writer),
    ...volumesIn(tables, writer),
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
      if (report === undefined) await writer.write(operations)
      else await add(id, report, operations)
    },
    async settle(settled) {
      const id = leaseId(settled.jobId, settled.fence)
      const reported = forget(id)
      counts = countedWith(counts, settled)
      await writer.write([
        ...reported,
        del(tables.leases, id),
        del(tables.progress, id),
        put(tables.receipts, receiptKey(settled.requester, settled.jobId, settled.fence), settled),
        put(tables.meta, 'counts', counts),
      ])
    },
    isDraining: async () => (await tables.numbers.get('draining')) === 1,
    async setDraining(on) {
      await writer.write([put(tables.numbers, 'draining', on ? 1 : 0)])
    },
    counts: () => counts,
    rate: async (from) => (await tables.numbers.get(`rate ${from}`)) ?? 0,
    async setRate(from, bytesPerSecond) {
      await writer.write([put(tables.numbers, `rate ${from}`, bytesPerSecond)])
    },
    async nextIncarnation(nowMs) {
      const last = (await tables.numbers.get('incarnation')) ?? 0
      const next = Math.max(nowMs, last + 1)
      await writer.write([put(tables.numbers, 'incarnation', next)])
      return next
    },
    problem: retrying.problem,
    async close() {
      retrying.giveUp()
      // Whoever asked for the last write heard how it went.
      await writer.idle().catch(() => undefined)
      await database.close()
    },
  }
}

function imagesIn({ images }: Tables, writer: Writer): Pick<Journal, 'images' | 'saveImage' | 'dropImage'> {
  return {
    images: async () => await images.values().all(),
    saveImage: async (record) => await writer.write([put(images, record.imageId, record)]),
    dropImage: async (imageId) => await writer.write([del(images, imageId)]),
  }
}

function volumesIn(
  { volumes, volumeReceipts }: Tables,
  writer: Writer,
): Pick<Journal, 'volumes' | 'saveVolume' | 'dropVolume' | 'keptReceipt' | 'keptReceipts'> {
  const keyOf = ({ requester, id }: Pick<KeptRecord, 'requester' | 'id'>): string => `${requester}!${id}`
  return {
    volumes: async () => await volumes.values().all(),
    async saveVolume(record, receipt) {
      const signed =
        receipt === undefined
          ? []
          : [put(volumeReceipts, keptReceiptKey(receipt.requester, receipt.id, receipt.number), receipt)]
      await writer.write([put(volumes, keyOf(record), record), ...signed])
    },
    keptReceipt: async (requester, id, number) => await volumeReceipts.get(keptReceiptKey(requester, id, number)),
    keptReceipts: () => volumeReceipts.values(),
    dropVolume: async (record) => await writer.write([del(volumes, keyOf(record))]),
  }
}

/** What is kept for ever. */
function settledIn({ receipts, leases }: Tables): Pick<Journal, 'settled' | 'pastOf' | 'requesters' | 'receipts'> {
  return {
    settled: async (requester, jobId, fence) => await receipts.get(receiptKey(requester, jobId, fence)),
    async pastOf(requester, jobId) {
      const range = { gt: `${requester}!${jobId}!`, lt: `${requester}!${jobId}!~` }
      const all = await receipts.values(range).all()
      const stopped = all.find(({ ownerSaid }) => ownerSaid !== undefined)
      return { highestFence: all.at(-1)?.fence ?? 0, ownerSaid: stopped?.ownerSaid ?? null }
    },
    async *requesters() {
      // From each to the next, over all its receipts at once.
      for (let last = ''; ; ) {
        const [key] = await receipts.keys({ gt: last === '' ? '' : `${last}!~`, limit: 1 }).all()
        if (key === undefined) break
        last = key.slice(0, key.indexOf('!'))
        yield last
      }
      for await (const { requester } of leases.values()) yield requester
    },
    receipts: () => receipts.values(),
  }
}

function countedWith(counts: JobCounts, { end }: SettledLease): JobCounts {
  if (end === null) return counts
  const { completed, failed } = counts
  const isCompleted = end.outcome === 'exited' && end.exitCode === 0
  // What was cancelled is neither, whatever its program ended with.
  const isFailed = end.outcome === 'failed' || (end.outcome === 'exited' && end.exitCode !== 0)
  return { completed: completed + (isCompleted ? 1 : 0), failed: failed + (isFailed ? 1 : 0) }
}
