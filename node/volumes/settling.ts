import type { PrivateKey } from '@libp2p/interface'
import { encode } from '../../protocol/codec.ts'
import type { SignedStatement } from '../../protocol/gen/cortex/v1/market_pb.js'
import { type KeptVolume, VolumeReceiptSchema } from '../../protocol/gen/cortex/v1/volumes_pb.js'
import { packStatement, signStatement, unpackStatement } from '../../protocol/statements.ts'
import { checkVolumeReceipt, costOfKept } from '../../protocol/volume-receipts.ts'
import { WireError } from '../../protocol/wire-error.ts'
import { momentNow } from '../moment.ts'
import type { VolumeAccount, VolumeReceiptRecord, VolumeRecord } from '../store/index.ts'
import { type AskingComponents, askProvider, type Holder, isUnanswered } from './ask-provider.ts'
import { dueSeconds, isTime, withoutRest } from './volume-account.ts'

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

/** One that its provider does not tell of: no more is claimed of it. */
const UNTOLD: Told = { over: true, idleSeconds: 0n }

/** Signs for volumes what this peer owes, and has its provider sign the same. */
export interface Settling {
  /**
   * Once an hour, and at the end. This peer writes the receipt, and by its own clock: all that a provider can do is to sign the same
   * bytes. What was signed once is sent again until it is answered, and nothing else is signed before.
   *
   * @param told undefined where its provider tells of it no more: it may have signed what was sent last, and its answer be lost
   * @throws {VolumeError} where the provider refuses, or is away
   * @throws {WireError} where it signs something else
   */
  settle(id: string, told: Told | undefined, holder: Holder, signal: AbortSignal): Promise<void>
}

/** Says nothing by itself: see `refreshing.ts`. @param get the record of a volume as it is by now */
export function createSettling(
  components: SettlingComponents,
  get: (id: string) => VolumeRecord | undefined,
  change: ChangeVolume,
): Settling {
  const { network, networkName, clock, privateKey } = components
  /** Of one volume nothing is signed twice at a time. */
  const busy = new Set<string>()

  /** Changes the account, unless another award has begun one anew meanwhile. */
  async function changeOf(id: string, award: string, how: (account: VolumeAccount) => VolumeAccount): Promise<void> {
    await change(id, (now) => (now.account?.award === award ? { ...now, account: how(now.account) } : now))
  }

  /** Base64 of what this peer has signed and is not answered yet; null where nothing is due. */
  async function ownHalf(record: VolumeRecord, account: VolumeAccount, told: Told): Promise<string | null> {
    const { id, provider, sizeBytes } = record
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
    const unanswered = packStatement(await signStatement('volume-receipt', payload, privateKey))
    // Written down before it is sent: after a crash the same bytes are sent, never others of the same number.
    await changeOf(id, account.award, (now) => ({ ...now, unanswered }))
    return get(id)?.account?.unanswered === unanswered ? unanswered : null
  }

  async function settleOnce(record: VolumeRecord, account: VolumeAccount, told: Told, to: Asking): Promise<void> {
    const { id, owner, provider } = record
    const own = await ownHalf(record, account, told)
    if (own !== null) {
      const receipt = unpackStatement(own)
      const reply = await askProvider(components, to.holder, { case: 'settle', value: { receipt } }, to.signal)
      const { number, secondsBefore, seconds, costNanoUsd } = await checkSame(receipt, reply.receipt, provider)
      const answered = (now: VolumeRecord): VolumeRecord => {
        if (now.account?.unanswered !== own) return now
        const { unanswered: _own, ...rest } = now.account
        const signedSeconds = Number(secondsBefore + seconds)
        return { ...now, account: { ...rest, number, signedSeconds, signedAt: momentNow(clock) } }
      }
      await change(id, answered, {
        ...{ volumeId: id, owner, provider, number, seconds: Number(seconds) },
        ...{ cost: String(costNanoUsd), signedAtMs: clock.nowMs() },
        signed: { provider: packStatement(reply.receipt ?? receipt), requester: own },
      })
    }
    // The provider has told all that it claims. What had waited may be of less: then the rest is signed in the next round.
    if (told.over && (own === null || own !== account.unanswered)) await changeOf(id, account.award, withoutRest)
  }

  return {
    async settle(id, told, holder, signal) {
      const record = get(id)
      if (record?.account === undefined || busy.has(id)) return
      const { account } = record
      busy.add(id)
      try {
        await settleOnce(record, account, told ?? UNTOLD, { holder, signal })
      } catch (error) {
        if (told === undefined && !isUnanswered(error)) await changeOf(id, account.award, withoutRest)
        throw error
      } finally {
        busy.delete(id)
      }
    },
  }
}

interface Asking {
  holder: Holder
  signal: AbortSignal
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
