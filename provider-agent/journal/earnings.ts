/** What this provider has earned: added up from the receipts in its journal. */

import type { Leases } from '../lease/leases.ts'
import type { Journal } from './journal.ts'
import type { KeptReceipt, Outcome, SettledLease } from './records.ts'

/** Sums of the jobs of one day, or of one requester. */
export interface EarningsRow {
  /** `YYYY-MM-DD` of the jobs' ends in UTC, or of the signatures for volumes; or a peer id. */
  key: string
  jobs: number
  /** Ended by themselves with exit code 0. */
  completed: number
  meteredSeconds: number
  /** Nano-dollars. */
  earned: bigint
  /** The part that requesters have signed; the rest is this side's word alone. */
  signed: bigint
  /** The part of both for volumes that stayed, of which only what is signed counts. */
  volumes: bigint
}

/** What {@link addUp} answers. */
export interface Earnings {
  /** Newest first. */
  byDay: EarningsRow[]
  /** Most earned first. */
  byClient: EarningsRow[]
  total: EarningsRow
}

/** An attempt that has ended. */
export interface EndedAttempt {
  requester: string
  endedAtMs: number
  outcome: Outcome
  exitCode: number | null
  meteredSeconds: number
  /** Nano-dollars. */
  cost: bigint
  isSigned: boolean
}

/** Null for a lease that was settled without an end that counts. */
function attemptOf({ requester, end, requesterReceipt }: Omit<SettledLease, 'bidId'>): EndedAttempt | null {
  if (end === null) return null
  const { endedAtMs, outcome, exitCode, meteredSeconds, cost } = end
  const isSigned = requesterReceipt !== null
  return { requester, endedAtMs, outcome, exitCode, meteredSeconds, cost: BigInt(cost), isSigned }
}

/** Of the receipts in a journal, and of those that have ended and whose requesters have not taken the last report yet. */
export async function* endedAttempts(
  journal: Pick<Journal, 'receipts'>,
  leases: Pick<Leases, 'list'>,
): AsyncGenerator<EndedAttempt> {
  for await (const settled of journal.receipts()) {
    const attempt = attemptOf(settled)
    if (attempt !== null) yield attempt
  }
  for (const { record, progress } of leases.list()) {
    const attempt = attemptOf({ ...record, ...progress, end: progress.ended, requesterReceipt: null, settledAtMs: 0 })
    if (attempt !== null) yield attempt
  }
}

/** @param sinceMs attempts that ended before, and receipts of volumes signed before, are left out; ms since the epoch */
export async function addUp(
  attempts: AsyncIterable<EndedAttempt>,
  receipts: AsyncIterable<Pick<KeptReceipt, 'requester' | 'cost' | 'signedAtMs'>>,
  sinceMs: number,
): Promise<Earnings> {
  const days = new Map<string, EarningsRow>()
  const clients = new Map<string, EarningsRow>()
  const total = emptyRow('')
  const rowsOf = (atMs: number, requester: string): EarningsRow[] => {
    const day = new Date(atMs).toISOString().slice(0, 10)
    return [rowOf(days, day), rowOf(clients, requester), total]
  }
  for await (const attempt of attempts) {
    if (attempt.endedAtMs < sinceMs) continue
    for (const row of rowsOf(attempt.endedAtMs, attempt.requester)) add(row, attempt)
  }
  for await (const { requester, cost, signedAtMs } of receipts) {
    if (signedAtMs < sinceMs) continue
    for (const row of rowsOf(signedAtMs, requester)) addKept(row, BigInt(cost))
  }
  return {
    byDay: [...days.values()].sort((a, b) => (a.key < b.key ? 1 : -1)),
    byClient: [...clients.values()].sort((a, b) => (a.earned === b.earned ? 0 : a.earned < b.earned ? 1 : -1)),
    total,
  }
}

function rowOf(rows: Map<string, EarningsRow>, key: string): EarningsRow {
  const row = rows.get(key) ?? emptyRow(key)
  rows.set(key, row)
  return row
}

function emptyRow(key: string): EarningsRow {
  return { key, jobs: 0, completed: 0, meteredSeconds: 0, earned: 0n, signed: 0n, volumes: 0n }
}

function add(row: EarningsRow, { outcome, exitCode, meteredSeconds, cost, isSigned }: EndedAttempt): void {
  row.jobs += 1
  if (outcome === 'exited' && exitCode === 0) row.completed += 1
  row.meteredSeconds += meteredSeconds
  row.earned += cost
  if (isSigned) row.signed += cost
}

/** Of a receipt that both sides signed. */
function addKept(row: EarningsRow, cost: bigint): void {
  row.earned += cost
  row.signed += cost
  row.volumes += cost
}
