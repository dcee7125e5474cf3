import type { PrivateKey } from '@libp2p/interface'
import { owesTimeOnly } from '../../../protocol/failures.ts'
import type { Receipt, Report_Ended, SignedStatement } from '../../../protocol/gen/cortex/v1/market_pb.js'
import { MAX_TRAFFIC_PER_SECOND } from '../../../protocol/limits.ts'
import { checkReceipt } from '../../../protocol/market-messages.ts'
import { chargeOf, meteredSeconds, termsOf } from '../../../protocol/money.ts'
import { packStatement, signStatement } from '../../../protocol/statements.ts'
import { WireError } from '../../../protocol/wire-error.ts'
import type { Lease } from '../../store/index.ts'
import { idOf } from '../bids/bid-desk.ts'
import type { CheckedEnd } from './received.ts'

/** The requester's signature under the same receipt, for the last acknowledgement; and what the store keeps. */
export interface CountersignedEnd {
  end: CheckedEnd
  countersigned: SignedStatement | null
}

/**
 * Checks a provider's receipt against the lease and signs the same bytes. One that claims more than was agreed or can be
 * known is not signed; use is then what this peer metered itself, and the claim is kept beside it. A provider that says it
 * failed itself may claim no minimum.
 *
 * @param context.seenMs how long the container can have run, by this peer's own meter
 * @param context.maxNetworkBytes what the job may send and receive; 0 where it does not say, for then nobody is paid for that
 * @param context.startedAtMs what the provider said of the start, 0 for none; its receipt and its report must agree
 * @param context.breaksOff whether the provider has ended what only this peer may end: then it is its own fault
 */
export async function settleReceipt(
  report: Report_Ended,
  context: {
    lease: Lease
    jobId: string
    requester: string
    networkName: string
    seenMs: number
    maxNetworkBytes: number
    startedAtMs?: number
    breaksOff?: boolean
    privateKey: PrivateKey
  },
): Promise<CountersignedEnd> {
  const { lease, seenMs, breaksOff = false } = context
  const ownMs = Math.min(lease.meteredMs, seenMs)
  const ownBytes = lease.networkBytes ?? 0
  const unsigned: CountersignedEnd = { end: { meteredMs: ownMs, receipt: null }, countersigned: null }
  if (report.receipt === undefined) return unsigned
  const terms = termsOf(lease)
  const minimumCharge = breaksOff || owesTimeOnly(report.failureCode, report.details) ? 0n : terms.minimumCharge
  try {
    const { receipt, signer } = await checkReceipt(report.receipt)
    const meteredMs = Number(receipt.meteredSeconds) * 1000
    const networkBytes = Number(receipt.networkBytes)
    const used = { seconds: Number(receipt.meteredSeconds), networkBytes }
    if (signer !== lease.provider) return unsigned
    const agreed =
      receipt.provider === lease.provider &&
      receipt.requester === context.requester &&
      receipt.network === context.networkName &&
      receipt.jobId === context.jobId &&
      receipt.fence === lease.fence &&
      idOf(receipt.requirementsDigest) === lease.requirementsDigest &&
      receipt.pricePerHour === terms.pricePerHour &&
      receipt.minimumCharge === minimumCharge &&
      receipt.costNanoUsd === chargeOf({ ...terms, minimumCharge }, used) &&
      receipt.pricePerGb === terms.pricePerGb &&
      networkBytes <= believedBytes(context.maxNetworkBytes, seenMs) &&
      receipt.meteredSeconds <= BigInt(meteredSeconds(seenMs)) &&
      (context.startedAtMs === undefined || saysTheSame(receipt, report, context.startedAtMs))
    if (!agreed)
      return { ...unsigned, end: { ...unsignedEnd({ meteredMs, networkBytes }, { ownMs, ownBytes }), receipt: null } }
    const countersigned = await signStatement('receipt', report.receipt.payload, context.privateKey)
    const stored = { provider: packStatement(report.receipt), requester: packStatement(countersigned) }
    const traffic = networkBytes === 0 ? {} : { networkBytes }
    return { end: { meteredMs, ...traffic, receipt: stored, minimumCharge: String(minimumCharge) }, countersigned }
  } catch (error) {
    if (error instanceof WireError) return unsigned
    throw error
  }
}

/** What is owed of a claim that is not signed, and the claim. */
function unsignedEnd(
  { meteredMs, networkBytes }: { meteredMs: number; networkBytes: number },
  { ownMs, ownBytes }: { ownMs: number; ownBytes: number },
): Omit<CheckedEnd, 'receipt'> {
  const owed = { meteredMs: Math.min(ownMs, meteredMs), claimedMs: meteredMs }
  return networkBytes === 0
    ? owed
    : { ...owed, networkBytes: Math.min(ownBytes, networkBytes), claimedBytes: networkBytes }
}

/**
 * Bytes that a provider may say the job has sent and received. This peer cannot see them: what bounds them is what the job may,
 * and what a link carries in the time for which it can have run.
 */
export function believedBytes(maxNetworkBytes: number, seenMs: number): number {
  return Math.min(maxNetworkBytes, Math.ceil((seenMs / 1000) * MAX_TRAFFIC_PER_SECOND))
}

/** A receipt is no place for another story than the one that was told. */
function saysTheSame(receipt: Receipt, report: Report_Ended, startedAtMs: number): boolean {
  return (
    Number(receipt.startedAtMs) === startedAtMs &&
    receipt.endedAtMs === report.endedAtMs &&
    receipt.outcome === report.outcome &&
    receipt.exitCode === report.exitCode
  )
}
