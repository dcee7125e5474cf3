/** The provider's meter of a volume that outlives its job: for how long no job has had it, by spans of its own clock. */

import type { Clock } from '../../node/clock.ts'
import { momentNow, spanSince } from '../../node/moment.ts'
import { VOLUME_RECEIPT_SECONDS } from '../../protocol/volume-receipts.ts'
import type { KeptAccount, KeptRecord, LeaseRecord } from '../journal/records.ts'
import { leaseId } from '../journal/records.ts'

/** Who has not signed for so much of a volume, in seconds, is not there, or does not want to; see `VOLUME_RECEIPT_SECONDS`. */
const UNPAID_SECONDS = 2 * VOLUME_RECEIPT_SECONDS

/** How far apart the two meters may be that both count as right, in seconds, and as a share of the time. */
const TOLERATED = { seconds: 60, share: 0.01 }

/**
 * Of a volume that a lease makes; the one before goes on where it is of the same lease. Another award of the job begins anew, at
 * its own price: what was not signed by then, nobody owes.
 */
export function accountFor(lease: LeaseRecord, before: KeptAccount | undefined): { account?: KeptAccount } {
  const award = leaseId(lease.jobId, lease.fence)
  if (before?.award === award) return { account: before }
  const { volumePerGbHour: pricePerGbHour } = lease
  if (pricePerGbHour === undefined) return {}
  return {
    account: { award, pricePerGbHour, idleMs: 0, idleSince: null, number: before?.number ?? 0, signedSeconds: 0 },
  }
}

/** For how long no job has had it, in whole seconds. */
export function idleSeconds(clock: Clock, account: KeptAccount): number {
  return Math.floor(idleMs(clock, account) / 1_000)
}

function idleMs(clock: Clock, account: KeptAccount): number {
  return account.idleMs + (account.idleSince === null ? 0 : Math.floor(spanSince(clock, account.idleSince)))
}

/** From now on it is not counted: a job has it, or it is to go. */
export function stopped(clock: Clock, { account }: KeptRecord): { account?: KeptAccount } {
  if (account === undefined) return {}
  return { account: { ...account, idleMs: idleMs(clock, account), idleSince: null } }
}

/** From now on no job has it. @param unheard whether its requester may never have heard that it has it */
export function started(clock: Clock, { account }: KeptRecord, unheard: boolean): { account?: KeptAccount } {
  if (account === undefined) return {}
  const idleSince = account.idleSince ?? momentNow(clock)
  return { account: { ...account, idleSince, ...(unheard ? { unheard: true as const } : {}) } }
}

/** Seconds that nobody has signed for. */
export function unpaidSeconds(clock: Clock, { account }: KeptRecord): number {
  return account === undefined ? 0 : Math.max(0, idleSeconds(clock, account) - account.signedSeconds)
}

/** Whether its requester should have signed by now. */
export function isUnpaid(clock: Clock, record: KeptRecord): boolean {
  return record.account?.unheard !== true && unpaidSeconds(clock, record) >= UNPAID_SECONDS
}

/** Once so much of it is signed in all: the difference of two honest meters is let go, any other stays unpaid. */
export function signed(clock: Clock, account: KeptAccount, number: number, seconds: number): KeptAccount {
  const { unheard: _heard, ...rest } = account
  const after = { ...rest, number, signedSeconds: seconds }
  const apart = idleSeconds(clock, account) - seconds
  if (apart <= 0 || apart > Math.max(TOLERATED.seconds, seconds * TOLERATED.share)) return after
  return { ...after, idleMs: seconds * 1_000, idleSince: account.idleSince === null ? null : momentNow(clock) }
}
