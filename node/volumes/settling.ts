import { fromBinary, toBinary } from '@bufbuild/protobuf'
import type { PrivateKey } from '@libp2p/interface'
import { encode } from '../../protocol/codec.ts'
import { type SignedStatement, SignedStatementSchema } from '../../protocol/gen/cortex/v1/market_pb.js'
import { type KeptVolume, VolumeReceiptSchema } from '../../protocol/gen/cortex/v1/volumes_pb.js'
import { signStatement } from '../../protocol/statements.ts'
import { checkVolumeReceipt, costOfKept } from '../../protocol/volume-receipts.ts'
import { WireError } from '../../protocol/wire-error.ts'
import { momentNow } from '../moment.ts'
import type { VolumeReceiptRecord, VolumeRecord } from '../store/index.ts'
import { type AskingComponents, askProvider, type Holder } from './ask-provider.ts'
import { closed, dueSeconds, isTime } from './volume-account.ts'

/** What {@link createSettling} works with. */
export interface SettlingComponents extends AskingComponents {
  networkName: string
  privateKey: PrivateKey
}

/** Changes the record of a volume as it is by now, and writes that down, with a receipt where there is one. */
export type ChangeVolume = (
  id: string,
  change: (record: VolumeRecord) => VolumeRecord,
  receipt?: VolumeReceiptRecord,
) => Promise<VolumeRecord | undefined>

/** A volume as its provider tells of it. */
export type Told = Pick<KeptVolume, 'idleSeconds' | 'over'>

/** Signs for volumes what this peer owes, and has its provider sign the same. */
export interface Settling {
  /**
   * Once an hour, and at the end. This peer writes the receipt, and by its own clock: all that a provider can do is to sign the same
   * bytes. What was signed once is sent again until it is answered, and nothing else is signed before.
   *
   * @throws {VolumeError} where the provider refuses, or is away
   * @throws {WireError} where it signs something else
   */
  settle(record: VolumeRecord, told: Told, holder: Holder, signal: AbortSignal): Promise<void>
}

/** Says nothing by itself: see `refreshing.ts`. */
export function createSettling(components: SettlingComponents, change: ChangeVolume): Settling {
  const { network, networkName, clock, privateKey } = components
  /** Of one volume nothing is signed twice at a time. */
  const busy = new Set<string>()

  /** Base64 of what this peer has signed and is not answered yet; null where nothing is due. */
  async function ownHalf({ id, provider, sizeBytes, account }: VolumeRecord, told: Told): Promise<string | null> {
    if (account === undefined) return null
    if (account.unanswered !== undefined) return account.unanswered
    if (!told.over && !isTime(clock, account)) return null
    const seconds = dueSeconds(clock, account, Number(told.idleSeconds))
    if (seconds === 0) return null
    const time = {
      ...{ sizeBytes: BigInt(sizeBytes), pricePerGbHour: BigInt(account.pricePerGbHour) },
      ...{ secondsBefore: BigInt(account.signedSeconds), seconds: BigInt(seconds) },
    }
    const payload = encode(VolumeReceiptSchema, {
      ...{ network: networkName, volumeId: id, requester: network.peerId, provider },
      ...{ number: account.number + 1, ...time, costNanoUsd: costOfKept(time), signedAtMs: BigInt(clock.nowMs()) },
    })
    const unanswered = packed(await signStatement('volume-receipt', payload, privateKey))
    // Written down before it is sent: after a crash the same bytes are sent, never others of the same number.
    await change(id, (now) => (now.account === undefined ? now : { ...now, account: { ...now.account, unanswered } }))
    return unanswered
  }

  async function settleOnce(record: VolumeRecord, told: Told, holder: Holder, signal: AbortSignal): Promise<void> {
    const { id, owner, provider } = record
    const own = await ownHalf(record, told)
    if (own !== null) {
      const receipt = fromBinary(SignedStatementSchema, Buffer.from(own, 'base64'))
      const reply = await askProvider(components, holder, { case: 'settle', value: { receipt } }, signal)
      const { number, secondsBefore, seconds, costNanoUsd } = await checkSame(receipt, reply.receipt, provider)
      const answered = (now: VolumeRecord): VolumeRecord => {
        if (now.account?.unanswered !== own) return now
        const { unanswered: _own, ...account } = now.account
        const signedSeconds = Number(secondsBefore + seconds)
        return { ...now, account: { ...account, number, signedSeconds, signedAt: momentNow(clock) } }
      }
      await change(id, answered, {
        ...{ volumeId: id, owner, provider, number, seconds: Number(seconds) },
        ...{ cost: String(costNanoUsd), signedAtMs: clock.nowMs() },
        signed: { provider: packed(reply.receipt ?? receipt), requester: own },
      })
    }
    // The provider has told all that it claims.
    if (told.over) await change(id, (now) => ({ ...now, ...closed(now) }))
  }

  return {
    async settle(record, told, holder, signal) {
      if (record.account === undefined || busy.has(record.id)) return
      busy.add(record.id)
      try {
        await settleOnce(record, told, holder, signal)
      } finally {
        busy.delete(record.id)
      }
    },
  }
}

/** @throws {WireError} where it is not the provider's signature under these very bytes */
async function checkSame(own: SignedStatement, theirs: SignedStatement | undefined, provider: string) {
  if (theirs === undefined) throw new WireError('MALFORMED', 'The provider has not signed the receipt')
  const { receipt, signer } = await checkVolumeReceipt(theirs)
  if (signer !== provider) throw new WireError('WRONG_SIGNER', 'The receipt is signed by somebody else')
  if (!Buffer.from(own.payload).equals(theirs.payload)) {
    throw new WireError('INVALID_FIELD', 'The receipt is not the one that was sent')
  }
  return receipt
}

function packed(statement: SignedStatement): string {
  return Buffer.from(toBinary(SignedStatementSchema, statement)).toString('base64')
}
