/**
 * The requester's own meter of a volume: for how long no job has had it, by this peer's clock. Nothing that a provider says beyond
 * it is signed. See docs/decisions/0096-the-price-of-volumes-that-stay.md.
 */

import { keepingCost, type NanoUsd } from '../../protocol/money.ts'
import { VOLUME_RECEIPT_SECONDS } from '../../protocol/volume-receipts.ts'
import type { Clock } from '../clock.ts'
import { momentBefore, momentNow, spanSince } from '../moment.ts'
import type { AwardInFlight, VolumeAccount, VolumeRecord } from '../store/index.ts'

/** The attempt that an award is of, as the users of a volume are named. */
export function userOf(jobId: string, { fence }: Pick<AwardInFlight, 'fence'>): string {
  return `${jobId}-${fence}`
}

/**
 * Of a volume that an award makes, which its attempt has from now on; absent where it costs nothing. An award that is heard of twice
 * changes nothing; another of the same job begins anew, at its own price, as at the provider.
 */
export function accountFor(
  clock: Clock,
  user: string,
  { volumePerGbHour: pricePerGbHour }: Pick<AwardInFlight, 'volumePerGbHour'>,
  keepSeconds: number,
  before: VolumeAccount | undefined,
): { account?: VolumeAccount } {
  if (before?.award === user) return { account: before }
  if (pricePerGbHour === undefined) return {}
  const number = before === undefined ? 0 : lastNumber(before)
  const nothing = { idleMs: 0, idleSince: null, number, signedSeconds: 0 }
  return {
    account: { award: user, pricePerGbHour, keepSeconds, users: [user], signedAt: momentNow(clock), ...nothing },
  }
}

/** For how long no job has had it, in whole seconds; of each time no more than it was to be kept unused. */
function idleSeconds(clock: Clock, account: VolumeAccount): number {
  return Math.floor(idleMs(clock, account) / 1_000)
}

function idleMs(clock: Clock, { idleMs: before, idleSince, keepSeconds }: VolumeAccount): number {
  if (idleSince === null) return before
  return before + Math.floor(Math.min(spanSince(clock, idleSince), keepSeconds * 1_000))
}

/** One more attempt has it from now on. */
export function taken(clock: Clock, account: VolumeAccount, user: string): VolumeAccount {
  const users = [...new Set([...account.users, user])]
  return { ...account, users, idleMs: idleMs(clock, account), idleSince: null }
}

/** These have it no longer; nothing changes where none of them has it by now. @param agoMs since when, in ms: of the last of them */
export function left(clock: Clock, account: VolumeAccount, users: readonly string[], agoMs: number): VolumeAccount {
  const others = account.users.filter((user) => !users.includes(user))
  if (others.length === account.users.length) return account
  const idleSince = others.length > 0 ? account.idleSince : momentBefore(clock, agoMs)
  return { ...account, users: others, idleSince }
}

/** It was used though no job has it: its time is counted anew. */
export function touched(clock: Clock, account: VolumeAccount): VolumeAccount {
  if (account.idleSince === null) return account
  return { ...account, idleMs: idleMs(clock, account), idleSince: momentNow(clock) }
}

/** It is paid for no longer: it was deleted, or is gone. */
export function stopped(clock: Clock, { account }: VolumeRecord): { account?: VolumeAccount } {
  if (account === undefined) return {}
  return { account: { ...account, idleMs: idleMs(clock, account), idleSince: null, users: [] } }
}

/** Its removal was refused: all is as before the wish, but for what was signed, and who took it, since. */
export function resumed({ account }: VolumeRecord, { account: before }: VolumeRecord): { account?: VolumeAccount } {
  if (account === undefined || before === undefined || account.award !== before.award) return {}
  const { idleMs, idleSince } = account.users.length > 0 ? account : before
  return { account: { ...account, users: [...new Set([...before.users, ...account.users])], idleMs, idleSince } }
}

/** Nothing more is owed than what is signed. */
export function withoutRest(account: VolumeAccount): VolumeAccount {
  const { unanswered: _unheard, ...rest } = account
  const over = { idleMs: account.signedSeconds * 1_000, idleSince: null, users: [] }
  return { ...rest, ...over, number: lastNumber(account) }
}

/** The highest that was signed, whether it was answered or not: it is never signed again. */
function lastNumber({ number, unanswered }: VolumeAccount): number {
  return unanswered === undefined ? number : number + 1
}

/** What may be signed of what a provider says, in seconds beside what is signed already; never below 0. */
export function dueSeconds(clock: Clock, account: VolumeAccount, claimedSeconds: number): number {
  return Math.max(0, Math.min(idleSeconds(clock, account), claimedSeconds) - account.signedSeconds)
}

/** Whether a receipt is due: an hour after the one before. */
export function isTime(clock: Clock, { signedAt }: VolumeAccount): boolean {
  return spanSince(clock, signedAt) >= VOLUME_RECEIPT_SECONDS * 1_000
}

/** Whether something of a volume that is there no more is not signed yet. */
export function owes(clock: Clock, { account }: VolumeRecord): boolean {
  return (
    account !== undefined && (account.unanswered !== undefined || idleSeconds(clock, account) > account.signedSeconds)
  )
}

/** What a volume costs beside its jobs. */
export interface VolumeCost {
  /** Nano-dollars for each GB and hour in which no job has it. */
  pricePerGbHour: NanoUsd
  /** Seconds so far in which none had it, and those of which receipts are signed. */
  idleSeconds: number
  signedSeconds: number
  /** What they cost, in nano-dollars. */
  cost: NanoUsd
  signed: NanoUsd
  /** What it costs at most from now to its end, if nobody uses it; in nano-dollars. */
  most: NanoUsd
}

/** All zero of one that costs nothing. */
export function costOf(clock: Clock, { account, sizeBytes, keepSeconds, state }: VolumeRecord): VolumeCost {
  const idle = account === undefined ? 0 : idleSeconds(clock, account)
  const { signedSeconds = 0, idleSince = null } = account ?? {}
  const pricePerGbHour = BigInt(account?.pricePerGbHour ?? '0')
  const price = (seconds: number): NanoUsd => keepingCost(pricePerGbHour, BigInt(sizeBytes) * BigInt(seconds))
  const goneSeconds = idleSince === null ? 0 : Math.floor(spanSince(clock, idleSince) / 1_000)
  const leftSeconds = state === 'kept' ? Math.max(0, (account?.keepSeconds ?? keepSeconds) - goneSeconds) : 0
  return {
    ...{ pricePerGbHour, idleSeconds: idle, signedSeconds },
    ...{ cost: price(idle), signed: price(signedSeconds), most: price(leftSeconds) },
  }
}
