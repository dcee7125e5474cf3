import type { Database } from '../../node/store/database.ts'
import type { ImageRecord, KeptReceipt, KeptRecord, LeaseProgress, LeaseRecord, SettledLease } from './records.ts'

/** Jobs since the folder was made. */
export interface JobCounts {
  completed: number
  failed: number
}

/** See {@link createTables}. */
export type Tables = ReturnType<typeof createTables>

/** The sublevels of the journal. */
export function createTables(database: Database) {
  const json = <V>(name: string) => database.sublevel<string, V>(name, { valueEncoding: 'json' })
  return {
    /** lease id → the award. */
    leases: json<LeaseRecord>('leases'),
    /** lease id → what changes. */
    progress: json<LeaseProgress>('progress'),
    /** see `outboxKey` → encoded LeaseMessage. */
    outbox: database.sublevel<string, Uint8Array>('outbox', { valueEncoding: 'view' }),
    /** see {@link receiptKey} → what is kept for ever. */
    receipts: json<SettledLease>('receipts'),
    meta: json<JobCounts>('meta'),
    numbers: json<number>('numbers'),
    /** image id → images that were pulled for jobs. */
    images: json<ImageRecord>('images'),
    /** requester, id → volumes that outlive their jobs. */
    volumes: json<KeptRecord>('volumes'),
    /** requester, id, number → what both sides signed of them. */
    volumeReceipts: json<KeptReceipt>('volume-receipts'),
  }
}

/** Receipts of one volume sort by number. */
export function keptReceiptKey(requester: string, id: string, number: number): string {
  return `${requester}!${id}!${String(number).padStart(10, '0')}`
}

/** Fences of one job sort by value. */
export function receiptKey(requester: string, jobId: string, fence: number): string {
  return `${requester}!${jobId}!${String(fence).padStart(10, '0')}`
}
