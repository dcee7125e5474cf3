import type { z } from 'zod'
import type { JobRecord } from '../../node/store/index.ts'
import { leaseOf } from '../../node/store/records.ts'
import { checkReceipt } from '../../protocol/checks.ts'
import { decode } from '../../protocol/codec.ts'
import { SignedStatementSchema } from '../../protocol/gen/cortex/v1/market_pb.js'
import { MAX_BID_BYTES } from '../../protocol/limits.ts'
import { usdNumber } from '../../protocol/money.ts'
import { isoTime } from '../time.ts'
import type { receiptSchema } from './schemas.ts'

/** The statement that both sides signed for the last attempt, with its signature checked; null where there is none. */
export async function readReceipt(job: JobRecord): Promise<z.input<typeof receiptSchema> | null> {
  const signed = leaseOf(job)?.receipt ?? null
  if (signed === null) return null
  const statement = decode(SignedStatementSchema, Buffer.from(signed.provider, 'base64'), MAX_BID_BYTES)
  const { receipt } = await checkReceipt(statement)
  return {
    jobId: receipt.jobId,
    network: receipt.network,
    attempt: job.attempt,
    provider: receipt.provider,
    requester: receipt.requester,
    pricePerHour: usdNumber(receipt.pricePerHour),
    minimumCharge: usdNumber(receipt.minimumCharge),
    meteredSeconds: Number(receipt.meteredSeconds),
    cost: usdNumber(receipt.costNanoUsd),
    startedAt: receipt.startedAtMs === 0n ? null : isoTime(Number(receipt.startedAtMs)),
    endedAt: isoTime(Number(receipt.endedAtMs)),
    outcome: receipt.outcome,
    exitCode: receipt.exitCode ?? null,
    signed,
  }
}
