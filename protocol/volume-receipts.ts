/** What both sides sign of a volume that outlives its job, for the times in which no job has it; see `VolumeReceipt`. */

import { checkLine, checkPeerId, checkPrice, checkRange, checkSigner, checkTime, invalidField } from './check-fields.ts'
import { decode, safeNumber } from './codec.ts'
import type { SignedStatement } from './gen/cortex/v1/market_pb.js'
import { type VolumeReceipt, VolumeReceiptSchema } from './gen/cortex/v1/volumes_pb.js'
import { isVolumeId } from './job-fields.ts'
import { MAX_BID_BYTES, MAX_BYTES } from './limits.ts'
import { keepingCost, type NanoUsd } from './money.ts'
import { openStatement } from './statements.ts'

/** Time between two receipts of a volume at least, in seconds, but for the last one. */
export const VOLUME_RECEIPT_SECONDS = 3_600

/** How much of a volume is paid with a receipt, at which price. */
export type KeptTime = Pick<VolumeReceipt, 'sizeBytes' | 'pricePerGbHour' | 'secondsBefore' | 'seconds'>

/** What that time costs: the whole cost so far less that of before, each rounded down, so that all receipts add up to the whole. */
export function costOfKept({ sizeBytes, pricePerGbHour, secondsBefore, seconds }: KeptTime): NanoUsd {
  const until = (all: bigint): NanoUsd => keepingCost(pricePerGbHour, sizeBytes * all)
  return until(secondsBefore + seconds) - until(secondsBefore)
}

/**
 * A receipt that one of its two sides signed, right in itself: the cost is what price, size and time make.
 *
 * @throws {WireError}
 */
export async function checkVolumeReceipt(
  statement: SignedStatement,
): Promise<{ receipt: VolumeReceipt; signer: string }> {
  const { payload, signer } = await openStatement('volume-receipt', statement)
  const receipt = decode(VolumeReceiptSchema, payload, MAX_BID_BYTES)
  checkLine('network', receipt.network)
  checkPeerId('requester', receipt.requester)
  checkPeerId('provider', receipt.provider)
  if (signer !== receipt.requester) checkSigner(receipt.provider, signer)
  if (!isVolumeId(receipt.volumeId)) throw invalidField('volume_id', 'must be the id of a volume')
  if (receipt.number < 1) throw invalidField('number', 'starts at 1')
  checkRange('size_bytes', safeNumber(receipt.sizeBytes, 'size_bytes'), 0, MAX_BYTES)
  checkPrice('price_per_gb_hour', receipt.pricePerGbHour)
  safeNumber(receipt.secondsBefore + receipt.seconds, 'seconds')
  if (receipt.seconds < 1n) throw invalidField('seconds', 'must be 1 or more')
  if (receipt.costNanoUsd !== costOfKept(receipt)) {
    throw invalidField('cost_nano_usd', 'must be the price times the size and the time')
  }
  checkTime('signed_at_ms', receipt.signedAtMs)
  return { receipt, signer }
}
