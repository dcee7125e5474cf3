import { isTerminal } from '../../protocol/lifecycle.ts'
import { costOf, meteredSeconds, type NanoUsd, usdNumber } from '../../protocol/money.ts'
import { type JobRecord, leaseOf } from '../store/records.ts'

/** What a job costs, in US dollars. */
export interface CostView {
  current: number
  projected: number
  final?: number
  currency: 'USD'
}

/** What a job has cost so far: every attempt's metered time at its accepted price, in nano-dollars. */
export function currentCost(job: JobRecord): NanoUsd {
  const lease = leaseOf(job)
  const leases = lease === null ? job.pastLeases : [...job.pastLeases, lease]
  return leases.reduce(
    (sum, { pricePerHour, meteredMs }) => sum + costOf(BigInt(pricePerHour), meteredSeconds(meteredMs)),
    0n,
  )
}

/**
 * A job's cost as the API shows it.
 * @param estimatePerHour what it would cost while it has no provider, in nano-dollars per hour
 */
export function costView(job: JobRecord, estimatePerHour: () => NanoUsd): CostView {
  const current = currentCost(job)
  if (isTerminal(job.state.status)) {
    const final = usdNumber(current)
    return { current: final, projected: final, final, currency: 'USD' }
  }
  const lease = leaseOf(job)
  const before = current - (lease === null ? 0n : costOf(BigInt(lease.pricePerHour), meteredSeconds(lease.meteredMs)))
  const perHour = lease === null ? estimatePerHour() : BigInt(lease.pricePerHour)
  const projected = before + costOf(perHour, job.durationSeconds)
  return { current: usdNumber(current), projected: usdNumber(projected), currency: 'USD' }
}
