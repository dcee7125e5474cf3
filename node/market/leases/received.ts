import type { Lease, ToldToRun } from '../../store/index.ts'

/** What was checked of the last report before it is applied; see `receipts.ts`. */
export interface CheckedEnd {
  /** The run time that is paid for, in ms. */
  meteredMs: number
  /** What the provider says instead, where that could not be signed. */
  claimedMs?: number
  /** Bytes of traffic that are paid for; absent is none. */
  networkBytes?: number
  /** As {@link CheckedEnd.claimedMs}, in bytes. */
  claimedBytes?: number
  receipt: Lease['receipt']
  /** What the receipt says, in nano-dollars as text; absent without one. */
  minimumCharge?: string
}

/** What this peer knows of a report beside its content. */
export interface Received {
  /** Of the last report; null for others. */
  end: CheckedEnd | null
  /** How long ago the job was awarded, by this peer's clock, in ms. */
  sinceAwardMs: number
  /** The moment of the backup that this store was restored from: what was acknowledged after it is not here. Null where it was not. */
  restoredFromMs: number | null
  /** What is to be kept where the report tells of the start. */
  running: ToldToRun | null
}
