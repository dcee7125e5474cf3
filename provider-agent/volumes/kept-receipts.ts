import type { PrivateKey } from '@libp2p/interface'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { createKeyedQueue } from '../../node/store/keyed-queue.ts'
import { encode } from '../../protocol/codec.ts'
import type { SignedStatement } from '../../protocol/gen/cortex/v1/market_pb.js'
import { type VolumeReceipt, VolumeReceiptSchema } from '../../protocol/gen/cortex/v1/volumes_pb.js'
import { formatUsd } from '../../protocol/money.ts'
import { packStatement, signStatement, unpackStatement } from '../../protocol/statements.ts'
import type { VolumeRefusal } from '../../protocol/volume-messages.ts'
import { checkVolumeReceipt } from '../../protocol/volume-receipts.ts'
import type { Journal } from '../journal/journal.ts'
import type { KeptRecord } from '../journal/records.ts'
import { keptKey } from './keeping-rules.ts'
import { isTime, signed } from './kept-account.ts'
import type { KeptRecords } from './kept-records.ts'

/** The provider's half of receipts of volumes. */
export interface KeptReceipts {
  /** Signs what a requester says that it owes, or says why not. @throws {WireError} where it is no receipt */
  settle(requester: string, statement: SignedStatement): Promise<{ receipt: SignedStatement } | VolumeRefusal>
}

/** @param init.owner peer id of this provider */
export function createKeptReceipts(
  {
    records,
    journal,
    privateKey,
    clock,
    logger,
  }: {
    records: Pick<KeptRecords, 'all' | 'owed' | 'settled'>
    journal: Pick<Journal, 'keptReceipt'>
    privateKey: PrivateKey
    clock: Clock
    logger: Logger
  },
  init: { owner: string; marketName: string },
): KeptReceipts {
  const queue = createKeyedQueue()

  async function settle(requester: string, statement: SignedStatement): Promise<SignedStatement | VolumeRefusal> {
    const { receipt, signer } = await checkVolumeReceipt(statement)
    if (signer !== requester || receipt.requester !== requester) return 'NOT_AGREED'
    const key = keptKey({ requester, id: receipt.volumeId })
    const there = (): KeptRecord | undefined => records.all.get(key) ?? records.owed.get(key)
    const again = await journal.keptReceipt(requester, receipt.volumeId, receipt.number)
    // The answer before may not have come: it is the same for the same bytes, also where the volume is forgotten by now.
    if (again !== undefined && again.signed.requester === packStatement(statement))
      return unpackStatement(again.signed.provider)
    const before = there()
    if (before?.account === undefined) return 'UNKNOWN_VOLUME'
    if (!isWhole(receipt, statement) || !isAgreed(receipt, before)) return 'NOT_AGREED'
    const own = await signStatement('volume-receipt', statement.payload, privateKey)
    const record = there()
    if (record === undefined || !isAgreed(receipt, record)) return 'NOT_AGREED'
    const { number, seconds, costNanoUsd } = receipt
    await records.settled(after(receipt, record), {
      ...{ requester, id: record.id, number, seconds: Number(seconds) },
      cost: String(costNanoUsd),
      signedAtMs: clock.nowMs(),
      signed: { requester: packStatement(statement), provider: packStatement(own) },
    })
    logger.info({ volume: record.id, requester, usd: formatUsd(costNanoUsd) }, 'a receipt of a volume is signed')
    return own
  }

  function after({ number, secondsBefore, seconds }: VolumeReceipt, record: KeptRecord): KeptRecord {
    return signed(clock, record, number, Number(secondsBefore + seconds))
  }

  /** What is offered may be less than what this side has metered, and is taken: the rest stays unpaid. */
  function isAgreed(receipt: VolumeReceipt, record: KeptRecord): boolean {
    const { sizeBytes, account } = record
    return (
      account !== undefined &&
      receipt.network === init.marketName &&
      receipt.provider === init.owner &&
      receipt.sizeBytes === BigInt(sizeBytes) &&
      receipt.pricePerGbHour === BigInt(account.pricePerGbHour) &&
      receipt.number > account.number &&
      // Above it where this side has lost receipts, with a backup that was put back.
      receipt.secondsBefore >= BigInt(account.signedSeconds) &&
      isTime(clock, record, after(receipt, record))
    )
  }

  return {
    settle: async (requester, statement) =>
      await queue.run(requester, async () => {
        const answer = await settle(requester, statement)
        return typeof answer === 'string' ? answer : { receipt: answer }
      }),
  }
}

/** Whether nothing is in it but what was read: it is kept for ever as it came. */
function isWhole(receipt: VolumeReceipt, { payload }: SignedStatement): boolean {
  return Buffer.from(encode(VolumeReceiptSchema, receipt)).equals(payload)
}
