import type { SignedStatement } from '../../../protocol/gen/cortex/v1/market_pb.js'
import type { Lease } from '../lease.ts'
import { checkCounterSignature } from '../receipt.ts'

/** The requester has stored everything up to that report: with the last of them, and its receipt, the lease is settled. */
export async function acknowledge(lease: Lease, sequence: number, receipt: SignedStatement | undefined): Promise<void> {
  const { ended } = lease.progress
  if (ended === null || sequence < ended.sequence) return await lease.acknowledged(sequence)
  if (receipt !== undefined) await checkCounterSignature(ended.receipt, receipt, lease.record.requester)
  await lease.settle(receipt ?? null)
}

/** What a requester that comes has stored, by its own word. The last report is settled by its own acknowledgement. */
export async function acknowledgeUpTo(lease: Lease, after: number): Promise<void> {
  const { ended } = lease.progress
  await lease.acknowledged(ended === null ? after : Math.min(after, ended.sequence - 1))
}
