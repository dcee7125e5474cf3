import { decode } from '../../protocol/codec.ts'
import { type Receipt, SignedStatementSchema } from '../../protocol/gen/cortex/v1/market_pb.js'
import type { VolumeReceipt } from '../../protocol/gen/cortex/v1/volumes_pb.js'
import { MAX_BID_BYTES } from '../../protocol/limits.ts'
import { checkReceipt } from '../../protocol/market-messages.ts'
import { usdNumber } from '../../protocol/money.ts'
import { formatBytes } from '../../protocol/units.ts'
import { checkVolumeReceipt } from '../../protocol/volume-receipts.ts'
import type { VolumeReceiptRecord } from '../store/index.ts'
import { isoTime } from './time.ts'

/** What of a receipt is shown that both sides signed: times as ISO 8601, money in US dollars. */
export function receiptView(receipt: Receipt) {
  return {
    jobId: receipt.jobId,
    network: receipt.network,
    provider: receipt.provider,
    requester: receipt.requester,
    pricePerHour: usdNumber(receipt.pricePerHour),
    minimumCharge: usdNumber(receipt.minimumCharge),
    pricePerGb: usdNumber(receipt.pricePerGb),
    meteredSeconds: Number(receipt.meteredSeconds),
    networkBytes: Number(receipt.networkBytes),
    cost: usdNumber(receipt.costNanoUsd),
    startedAt: receipt.startedAtMs === 0n ? null : isoTime(Number(receipt.startedAtMs)),
    endedAt: isoTime(Number(receipt.endedAtMs)),
    outcome: receipt.outcome,
    exitCode: receipt.exitCode ?? null,
  }
}

/**
 * One side's part of a receipt, its signature checked.
 * @param base64 the signed statement, as stores and files keep it
 * @throws {WireError} where it is none, or not what its signer signed
 */
export async function openReceipt(base64: string): Promise<{ receipt: Receipt; signer: string; payload: Uint8Array }> {
  const statement = decode(SignedStatementSchema, Buffer.from(base64, 'base64'), MAX_BID_BYTES)
  return { ...(await checkReceipt(statement)), payload: statement.payload }
}

/** What of a volume's receipt is shown that both sides signed. */
export function volumeReceiptView(receipt: VolumeReceipt) {
  return {
    volumeId: receipt.volumeId,
    network: receipt.network,
    provider: receipt.provider,
    requester: receipt.requester,
    number: receipt.number,
    size: formatBytes(Number(receipt.sizeBytes)),
    pricePerGbHour: usdNumber(receipt.pricePerGbHour),
    secondsBefore: Number(receipt.secondsBefore),
    seconds: Number(receipt.seconds),
    cost: usdNumber(receipt.costNanoUsd),
    signedAt: isoTime(Number(receipt.signedAtMs)),
  }
}

/** As {@link openReceipt}, of a volume's. @throws {WireError} */
export async function openVolumeReceipt(
  base64: string,
): Promise<{ receipt: VolumeReceipt; signer: string; payload: Uint8Array }> {
  const statement = decode(SignedStatementSchema, Buffer.from(base64, 'base64'), MAX_BID_BYTES)
  return { ...(await checkVolumeReceipt(statement)), payload: statement.payload }
}

/** Each with what both sides signed, for `cortex receipt verify`; the signatures are checked. @throws {WireError} */
export async function volumeReceiptViews(records: readonly Pick<VolumeReceiptRecord, 'signed'>[]) {
  return await Promise.all(
    records.map(async ({ signed }) => {
      const { receipt } = await openVolumeReceipt(signed.provider)
      return { ...volumeReceiptView(receipt), signed }
    }),
  )
}
