import { maxNetworkOf, mostOf } from '../../protocol/job-spec.ts'
import { isTerminal } from '../../protocol/lifecycle.ts'
import {
  chargeOf,
  type Most,
  meteredSeconds,
  mostSeconds,
  type NanoUsd,
  type Terms,
  termsOf,
  type Used,
  usdNumber,
  useOf,
} from '../../protocol/money.ts'
import { type BillRecord, type JobRecord, type Lease, leaseOf, type PastLease } from '../store/records.ts'

/** What a job costs, in US dollars. */
export interface CostView {
  /** So far. */
  current: number
  /** What it will have cost if it runs for as long as it may. */
  projected: number
  /** Only once it is over. */
  final?: number
  /** What its provider claims instead, where that could not be signed. */
  claimed?: number
  currency: 'USD'
}

/** What a job has cost so far: every attempt's metered time on its accepted terms, in nano-dollars. */
export function currentCost(job: Pick<JobRecord, 'state' | 'pastLeases'>): NanoUsd {
  const isOver = isTerminal(job.state.status)
  const past = job.pastLeases.reduce((sum, lease) => sum + attemptCost(lease, true), 0n)
  const lease = leaseOf(job)
  return lease === null ? past : past + attemptCost(lease, isOver)
}

/** One attempt’s, in nano-dollars. What is over without a receipt owes no minimum: its provider did not carry it to an end that both sides signed. */
export function attemptCost(lease: Lease | PastLease, isOver: boolean): NanoUsd {
  const terms = termsOf(lease)
  const used: Used = { seconds: meteredSeconds(lease.meteredMs), networkBytes: lease.networkBytes ?? 0 }
  return isOver && lease.receipt === null ? useOf(terms, used) : chargeOf(terms, used)
}

/**
 * A job's cost as the API shows it.
 * @param estimate on which terms it would run while it has no provider
 */
export function costView(job: JobRecord, estimate: () => Terms): CostView {
  const current = currentCost(job)
  if (isTerminal(job.state.status)) {
    const final = usdNumber(current)
    return { current: final, projected: final, final, ...claimView(job, current), currency: 'USD' }
  }
  const projected = mostCost(job, termsOrNull(job) ?? estimate())
  return { current: usdNumber(current), projected: usdNumber(projected), ...claimView(job, current), currency: 'USD' }
}

/** On which terms a job has its provider; null while it has none. */
export function termsOrNull(job: Pick<JobRecord, 'state'>): Terms | null {
  const lease = leaseOf(job)
  return lease === null ? null : termsOf(lease)
}

/** The most that a job comes to that has not ended: its earlier attempts, and its whole duration and grace on these terms. */
export function mostCost(job: BillRecord, terms: Terms): NanoUsd {
  const lease = leaseOf(job)
  const before = currentCost(job) - (lease === null ? 0n : attemptCost(lease, false))
  return before + chargeOf(terms, mostUsed(job))
}

/** What one attempt of a job may be billed at most, in seconds. */
export function mostSecondsOf({ durationSeconds, spec }: Pick<BillRecord, 'durationSeconds' | 'spec'>): number {
  return mostSeconds({ durationSeconds, stopGraceSeconds: spec.stopGraceSeconds })
}

/** What one attempt of a job may be billed at most. */
export function mostUsed(job: Pick<BillRecord, 'durationSeconds' | 'spec'>): Used {
  return { seconds: mostSecondsOf(job), networkBytes: maxNetworkOf(job.spec) ?? 0 }
}

/** What one attempt of a job may be billed at most, and the volumes that it leaves. */
export function mostOfAttempt(job: Pick<JobRecord, 'durationSeconds' | 'spec'>): Most {
  return { ...mostUsed(job), keptByteSeconds: mostOf(job.spec).keptByteSeconds }
}

function claimView(job: JobRecord, owed: NanoUsd): Pick<CostView, 'claimed'> {
  const lease = leaseOf(job)
  const more = [...job.pastLeases, ...(lease === null ? [] : [lease])].reduce((sum, each) => {
    if (each.claimedMs === undefined) return sum
    const networkBytes = each.claimedBytes ?? each.networkBytes ?? 0
    const claimed = chargeOf(termsOf(each), { seconds: meteredSeconds(each.claimedMs), networkBytes })
    return sum + claimed - attemptCost(each, true)
  }, 0n)
  return more > 0n ? { claimed: usdNumber(owed + more) } : {}
}
