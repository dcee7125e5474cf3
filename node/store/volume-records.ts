/** What the store keeps of volumes that outlive their jobs; times and money as in `records.ts`. */

import type { NanoUsd } from '../../protocol/money.ts'
import type { Moment } from '../moment.ts'

/** What a volume costs beside its jobs: metered by this peer's own clock, and what of that is signed. */
export interface VolumeAccount {
  /** The attempt whose award agreed to the price: `JOB-FENCE`. */
  award: string
  /** Nano-dollars for each GB and hour in which no job has it. */
  pricePerGbHour: string
  /** As this peer asked for it. */
  keepSeconds: number
  /** The attempts that have it. */
  users: string[]
  /** For how long none had it before {@link idleSince}, in ms. */
  idleMs: number
  /** Since when none has it, or it was used otherwise; null while one has it, and once it is paid for no longer. */
  idleSince: Moment | null
  /** Number of the newest receipt that both sides signed, 0 before the first, and what all of them are for. */
  number: number
  signedSeconds: number
  /** When that was; before the first, when the price was agreed to. */
  signedAt: Moment
  /** Base64 of the next one with this peer's signature, which its provider has not answered; absent where there is none. */
  unanswered?: string
}

/** What both sides signed of a volume. */
export interface VolumeReceiptRecord {
  volumeId: string
  /** Whose volume it is, and where it lies. */
  owner: string
  provider: string
  /** 1 for the first. */
  number: number
  /** In which no job had it. */
  seconds: number
  /** Nano-dollars. */
  cost: string
  /** Ms since the epoch. */
  signedAtMs: number
  /** Base64 of the VolumeReceipt's statement, signed by each side. */
  signed: { provider: string; requester: string }
}

/** What a receipt of a volume adds to what its owner pays. */
export interface VolumeCharge {
  provider: string
  /** Ms since the epoch. */
  signedAtMs: number
  cost: NanoUsd
}

/** A volume that outlives its job, as its provider told of it last. */
export interface VolumeRecord {
  id: string
  /** Whose job left it. */
  owner: string
  /** Peer id of where it lies. */
  provider: string
  /** Under which that was reached. */
  addresses: string[]
  /** The job that left it. */
  jobId: string
  /** As that job called it. */
  name: string
  sizeBytes: number
  /** It is removed so long after its last use. */
  keepSeconds: number
  createdAtMs: number
  /** `deleting`: its provider is still to do it. `gone`: its provider has it no more, though nobody asked for that. */
  state: 'kept' | 'deleting' | 'deleted' | 'gone'
  /** Whether a job has it. */
  inUse: boolean
  /** Whether its provider takes no new jobs, since its machine is to go. */
  draining: boolean
  /** When it is removed; null while a job has it, and where nobody said yet. */
  expiresAtMs: number | null
  /** When it was found to be there no more; null before. */
  endedAtMs: number | null
  /** What it costs while no job has it; absent is nothing. */
  account?: VolumeAccount
}
