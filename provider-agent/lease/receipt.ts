import type { PrivateKey } from '@libp2p/interface'
import { encode } from '../../protocol/codec.ts'
import { owesTimeOnly } from '../../protocol/failures.ts'
import { ReceiptSchema, type SignedStatement } from '../../protocol/gen/cortex/v1/market_pb.js'
import { checkReceipt } from '../../protocol/market-messages.ts'
import { chargeOf, meteredSeconds, type Terms, termsOf } from '../../protocol/money.ts'
import { signStatement, unpackStatement } from '../../protocol/statements.ts'
import { WireError } from '../../protocol/wire-error.ts'
import type { LeaseRecord } from '../journal/records.ts'
import type { Ending } from './ending.ts'

/** What an attempt used, and what that costs. */
export interface Use {
  /** The engine’s time, in ms since the epoch; null where it never started. */
  startedAtMs: number | null
  /** The engine’s time, or this machine’s where the engine tells none; ms since the epoch. */
  endedAtMs: number
  meteredMs: number
  /** Bytes that it sent and received and that may be billed. */
  networkBytes: number
}

/** Where the failure owes its time alone, the terms come without their minimum charge. `cost` is in nano-dollars. */
export function costOfUse(
  record: LeaseRecord,
  use: Use,
  ending: Ending,
): { meteredSeconds: number; terms: Terms; cost: bigint } {
  const seconds = meteredSeconds(use.meteredMs)
  const { networkBytes } = use
  const agreed = termsOf(record)
  const terms = owesTimeOnly(ending.failureCode, ending.details) ? { ...agreed, minimumCharge: 0n } : agreed
  return { meteredSeconds: seconds, terms, cost: chargeOf(terms, { seconds, networkBytes }) }
}

/** The provider's half of the receipt. */
export async function signReceipt(
  { privateKey, marketName, provider }: { privateKey: PrivateKey; marketName: string; provider: string },
  record: LeaseRecord,
  use: Use,
  ending: Ending,
): Promise<SignedStatement> {
  const { meteredSeconds, terms, cost } = costOfUse(record, use, ending)
  const payload = encode(ReceiptSchema, {
    network: marketName,
    jobId: record.jobId,
    fence: record.fence,
    requester: record.requester,
    provider,
    requirementsDigest: Buffer.from(record.requirementsDigest, 'hex'),
    ...terms,
    meteredSeconds: BigInt(meteredSeconds),
    networkBytes: BigInt(use.networkBytes),
    costNanoUsd: cost,
    startedAtMs: BigInt(use.startedAtMs ?? 0),
    endedAtMs: BigInt(use.endedAtMs),
    outcome: ending.outcome,
    ...(ending.exitCode === null ? {} : { exitCode: ending.exitCode }),
  })
  return await signStatement('receipt', payload, privateKey)
}

/** @throws {WireError} where it is not the requester's signature under the very same receipt */
export async function checkCounterSignature(own: string, theirs: SignedStatement, requester: string): Promise<void> {
  const { signer } = await checkReceipt(theirs)
  if (signer !== requester) throw new WireError('WRONG_SIGNER', 'The receipt is signed by somebody else')
  if (!Buffer.from(unpackStatement(own).payload).equals(theirs.payload)) {
    throw new WireError('INVALID_FIELD', 'The receipt is not the one that was sent')
  }
}
