import type { z } from 'zod'
import { type BillRecord, type Lease, leaseOf, type PastLease } from '../../node/store/records.ts'
import { attemptCost } from '../../node/views/cost.ts'
import { openReceipt, receiptView } from '../../node/views/receipt-view.ts'
import { isTerminal } from '../../protocol/lifecycle.ts'
import { meteredSeconds, termsOf, usdNumber } from '../../protocol/money.ts'
import type { attemptCostSchema, receiptSchema } from '../contract/jobs.ts'

/** The statement that both sides signed for the last attempt, with its signature checked; null where there is none. */
export async function readReceipt(job: BillRecord): Promise<z.input<typeof receiptSchema> | null> {
  return await receiptOf(leaseOf(job)?.receipt ?? null, job.attempt)
}

/** What each attempt that a provider took has cost so far, the first one first, with what both sides signed of it. */
export async function attemptCosts(job: BillRecord): Promise<z.input<typeof attemptCostSchema>[]> {
  const { pastLeases, attempt, state } = job
  const lease = leaseOf(job)
  const past = pastLeases.map((one) => attemptView(one, { attempt: one.attempt, outcome: one.outcome, isOver: true }))
  const last = { attempt, outcome: state.status, isOver: isTerminal(state.status) }
  return await Promise.all([...past, ...(lease === null ? [] : [attemptView(lease, last)])])
}

interface Attempt {
  attempt: number
  outcome: z.input<typeof attemptCostSchema>['outcome']
  isOver: boolean
}

async function attemptView(lease: Lease | PastLease, { attempt, outcome, isOver }: Attempt) {
  const { pricePerHour, minimumCharge, pricePerGb } = termsOf(lease)
  return {
    attempt,
    provider: lease.provider,
    outcome,
    pricePerHour: usdNumber(pricePerHour),
    minimumCharge: usdNumber(minimumCharge),
    pricePerGb: usdNumber(pricePerGb),
    meteredSeconds: meteredSeconds(lease.meteredMs),
    networkBytes: lease.networkBytes ?? 0,
    cost: usdNumber(attemptCost(lease, isOver)),
    receipt: await receiptOf(lease.receipt, attempt),
  }
}

async function receiptOf(signed: Lease['receipt'], attempt: number): Promise<z.input<typeof receiptSchema> | null> {
  if (signed === null) return null
  const { receipt } = await openReceipt(signed.provider)
  return { ...receiptView(receipt), attempt, signed }
}
