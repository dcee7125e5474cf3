import type { z } from 'zod'
import type { JobRecord } from '../../node/store/index.ts'
import { leaseOf } from '../../node/store/records.ts'
import { openReceipt, receiptView } from '../../node/views/receipt-view.ts'
import type { receiptSchema } from '../contract/jobs.ts'

/** The statement that both sides signed for the last attempt, with its signature checked; null where there is none. */
export async function readReceipt(job: JobRecord): Promise<z.input<typeof receiptSchema> | null> {
  const signed = leaseOf(job)?.receipt ?? null
  if (signed === null) return null
  const { receipt } = await openReceipt(signed.provider)
  return { ...receiptView(receipt), attempt: job.attempt, signed }
}
