import { toBinary } from '@bufbuild/protobuf'
import type { PrivateKey } from '@libp2p/interface'
import { checkReceipt } from '../../protocol/checks.ts'
import { isOwnFault } from '../../protocol/failures.ts'
import {
  type Report_Ended,
  type SignedStatement,
  SignedStatementSchema,
} from '../../protocol/gen/cortex/v1/market_pb.js'
import { chargeOf, termsOf } from '../../protocol/money.ts'
import { signStatement } from '../../protocol/statements.ts'
import { WireError } from '../../protocol/wire-error.ts'
import type { Lease } from '../store/index.ts'
import type { CheckedEnd } from './apply-report.ts'
import { idOf } from './bid-desk.ts'

/** How much longer than this peer saw a provider may claim to have run, in ms: clocks of two machines drift a little. */
const METERING_TOLERANCE_MS = 5_000

/** The requester's signature under the same receipt, for the last acknowledgement; and what the store keeps. */
export interface CountersignedEnd {
  end: CheckedEnd
  countersigned: SignedStatement | null
}

/**
 * Checks a provider's receipt against the lease and signs the same bytes. One that claims more than was agreed or seen
 * is not signed; use is then what this peer saw itself. A provider that says it failed itself may claim no minimum.
 *
 * @param seenMs how long this peer knows of the lease, on its monotonic clock
 */
export async function settleReceipt(
  report: Report_Ended,
  context: {
    lease: Lease
    jobId: string
    requester: string
    networkName: string
    seenMs: number
    privateKey: PrivateKey
  },
): Promise<CountersignedEnd> {
  const { lease, seenMs } = context
  const unsigned = { end: { meteredMs: Math.min(lease.meteredMs, seenMs), receipt: null }, countersigned: null }
  if (report.receipt === undefined) return unsigned
  const terms = termsOf(lease)
  const minimumCharge = isOwnFault(report.failureCode) ? 0n : terms.minimumCharge
  try {
    const { receipt, signer } = await checkReceipt(report.receipt)
    const meteredMs = Number(receipt.meteredSeconds) * 1000
    const agreed =
      signer === lease.provider &&
      receipt.provider === lease.provider &&
      receipt.requester === context.requester &&
      receipt.network === context.networkName &&
      receipt.jobId === context.jobId &&
      receipt.fence === lease.fence &&
      idOf(receipt.requirementsDigest) === lease.requirementsDigest &&
      receipt.pricePerHour === terms.pricePerHour &&
      receipt.minimumCharge === minimumCharge &&
      receipt.costNanoUsd === chargeOf({ ...terms, minimumCharge }, Number(receipt.meteredSeconds)) &&
      meteredMs <= seenMs + METERING_TOLERANCE_MS
    if (!agreed) return unsigned
    const countersigned = await signStatement('receipt', report.receipt.payload, context.privateKey)
    const stored = { provider: base64(report.receipt), requester: base64(countersigned) }
    return { end: { meteredMs, receipt: stored, minimumCharge: String(minimumCharge) }, countersigned }
  } catch (error) {
    if (error instanceof WireError) return unsigned
    throw error
  }
}

function base64(statement: SignedStatement): string {
  return Buffer.from(toBinary(SignedStatementSchema, statement)).toString('base64')
}
