/** The provider's meter of a volume that outlives its job: for how long no job has had it, by the clock that ends it, too. */

import type { Clock } from '../../node/clock.ts'
import { momentNow, spanSince } from '../../node/moment.ts'
import { VOLUME_RECEIPT_SECONDS } from '../../protocol/volume-receipts.ts'
import type { KeptAccount, KeptRecord, LeaseRecord } from '../journal/records.ts'
import { leaseId } from '../journal/records.ts'

/** Who has not signed for so much, in seconds, is not there, or does not want to; see `VOLUME_RECEIPT_SECONDS`. */
const UNPAID_SECONDS = 2 * VOLUME_RECEIPT_SECONDS

/** Time between two receipts of one volume at least, in seconds: its requester's clock may be the faster one. */
const PACE_SECONDS = VOLUME_RECEIPT_SECONDS - 600

/** How far apart the two meters may be that both count as right, in seconds, and as a share of the time. */
const TOLERATED = { seconds: 60, share: 0.01 }

/** What a change of a volume's account is; none of one that costs nothing. */
type Changed = Pick<KeptRecord, 'account'>

/**
 * Of a volume that a lease makes; the one before goes on where it is of the same lease. Another award of the job begins anew, at
 * its own price: what was not signed by then, nobody owes.
 */
export function accountFor(lease: LeaseRecord, before: KeptAccount | undefined): Changed {
  const award = leaseId(lease.jobId, lease.fence)
  if (before?.award === award) return { account: before }
  const { volumePerGbHour: pricePerGbHour } = lease
  if (pricePerGbHour === undefined) return {}
  return {
    account: { award, pricePerGbHour, idleMs: 0, idleSince: null, number: before?.number ?? 0, signedSeconds: 0 },
  }
}

/** For how long no job has had it, in whole seconds. */
export function idleSeconds(clock: Clock, record: KeptRecord): number {
  return Math.floor(idleMs(clock, record) / 1_000)
}

/** Of each time no more than until it is over: this side may have been away then, and its requester signs for no more. */
function idleMs(clock: Clock, { account, usedAt, keepSeconds }: KeptRecord): number {
  if (account === undefined) return 0
  if (account.idleSince === null) return account.idleMs
  const beyondMs = Math.max(0, spanSince(clock, usedAt) - keepSeconds * 1_000)
  return account.idleMs + Math.max(0, Math.floor(spanSince(clock, account.idleSince) - beyondMs))
}

/** From now on it is not counted: a job has it, or it is to go. */
export function stopped(clock: Clock, record: KeptRecord): Changed {
  const { account } = record
  if (account === undefined) return {}
  return { account: { ...account, idleMs: idleMs(clock, record), idleSince: null } }
}

/** From now on no job has it. @param unheard whether its requester may never have heard that it has it */
export function started(clock: Clock, { account }: KeptRecord, unheard: boolean): Changed {
  if (account === undefined) return {}
  const idleSince = account.idleSince ?? momentNow(clock)
  return { account: { ...account, idleSince, ...(unheard ? { unheard: true as const } : {}) } }
}

/** A job has it from now on. @param lastLease its lease */
export function taken(clock: Clock, record: KeptRecord, lastLease: string): Changed {
  const { account } = stopped(clock, { ...record, ...heardOf(clock, record) })
  return account === undefined ? {} : { account: { ...account, lastLease } }
}

/**
 * Its requester gave up a lease that had ended: it may never have heard of it, or counts from that moment on. So what it signs next
 * is right, unless it has done something with the volume since.
 */
export function givenUp({ account }: KeptRecord, lease: string): Changed {
  if (account === undefined) return {}
  return { account: account.lastLease === lease ? { ...account, unheard: true } : account }
}

/** Its requester does something with it though no job has it: what was counted stays, whatever becomes of its time. */
export function renewed(clock: Clock, record: KeptRecord): Changed {
  const { account } = heardOf(clock, record)
  if (account === undefined || account.idleSince === null) return account === undefined ? {} : { account }
  const idleSince = momentNow(clock)
  return { account: { ...account, idleMs: idleMs(clock, { ...record, account }), idleSince } }
}

/** Its requester knows of it. What nobody signed while that was not sure is let go. */
function heardOf(clock: Clock, { account }: KeptRecord): Changed {
  if (account === undefined) return {}
  const { unheard, lastLease: _done, ...rest } = account
  return { account: unheard === true ? agreed(clock, rest, rest.signedSeconds) : rest }
}

/** By what its requester says, and on from there. */
function agreed(clock: Clock, account: KeptAccount, seconds: number): KeptAccount {
  return { ...account, idleMs: seconds * 1_000, idleSince: account.idleSince === null ? null : momentNow(clock) }
}

/** It is there no more: nothing is counted from now on, and its last receipt is still to come. */
export function over(clock: Clock, record: KeptRecord): KeptRecord {
  const last = { ...record, overAt: momentNow(clock) }
  const { account } = stopped(clock, record)
  if (account === undefined) return last
  const { signedAt: _earlier, ...rest } = account
  return { ...last, account: rest }
}

/** Seconds that nobody has signed for. */
export function unpaidSeconds(clock: Clock, record: KeptRecord): number {
  return Math.max(0, idleSeconds(clock, record) - (record.account?.signedSeconds ?? 0))
}

/** The same where its requester should have signed by now, else 0. */
function overdueSeconds(clock: Clock, record: KeptRecord): number {
  const { account, overAt } = record
  const seconds = unpaidSeconds(clock, record)
  if (account?.unheard === true) return 0
  if (overAt === undefined) return seconds >= UNPAID_SECONDS ? seconds : 0
  // Its last receipt counts, however little it is for: an honest requester may have wanted it deleted long before that was heard.
  return account?.signedAt === undefined ? seconds : 0
}

/** Those of one requester's for which it should have signed by now; none where they are too little together. */
export function unpaidOf(clock: Clock, records: readonly KeptRecord[]): KeptRecord[] {
  const overdue = records.filter((record) => overdueSeconds(clock, record) > 0)
  const seconds = overdue.reduce((sum, record) => sum + overdueSeconds(clock, record), 0)
  return seconds >= UNPAID_SECONDS ? overdue : []
}

/** Whether more of it is unpaid than the longest that it may lie unused: it is kept no longer than that was promised. */
export function isUsedUp(clock: Clock, record: KeptRecord): boolean {
  const seconds = overdueSeconds(clock, record)
  return seconds > 0 && seconds >= record.keepSeconds
}

/**
 * Once so much of it is signed in all: the difference of two honest meters is let go, and any while its requester may not have
 * heard of it; any other stays unpaid.
 */
export function signed(clock: Clock, record: KeptRecord, number: number, seconds: number): KeptRecord {
  if (record.account === undefined) return record
  const { unheard, ...account } = record.account
  const after = { ...account, number, signedSeconds: seconds, signedAt: momentNow(clock) }
  const apart = idleSeconds(clock, record) - seconds
  const isLetGo = unheard === true || apart <= Math.max(TOLERATED.seconds, seconds * TOLERATED.share)
  return { ...record, account: apart > 0 && isLetGo ? agreed(clock, after, seconds) : after }
}

/**
 * Whether a receipt may follow the one before now: each is kept for ever. Once it is over, one may at once, and the one after
 * which nothing is open.
 */
export function isTime(clock: Clock, { account, overAt }: KeptRecord, after: KeptRecord): boolean {
  if (account?.signedAt === undefined || spanSince(clock, account.signedAt) >= PACE_SECONDS * 1_000) return true
  return overAt !== undefined && unpaidSeconds(clock, after) === 0
}
