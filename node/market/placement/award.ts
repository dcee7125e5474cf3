import type { MessageInitShape } from '@bufbuild/protobuf'
import type { PrivateKey } from '@libp2p/interface'
import { encode } from '../../../protocol/codec.ts'
import { AwardMessageSchema, AwardSchema, type JobSchema } from '../../../protocol/gen/cortex/v1/market_pb.js'
import { MAX_BID_BYTES } from '../../../protocol/limits.ts'
import { termsOf } from '../../../protocol/money.ts'
import { signStatement } from '../../../protocol/statements.ts'
import { readAwardReply } from '../../../protocol/stream-messages.ts'
import { Protocol } from '../../../protocol/topics.ts'
import type { Clock } from '../../clock.ts'
import { deadline } from '../../deadline.ts'
import type { PeerNetwork } from '../../network/index.ts'
import type { AwardInFlight } from '../../store/index.ts'

/** How long a provider may take to accept, in ms: it journals the lease before it answers. */
const AWARD_TIMEOUT_MS = 5_000

/** What came of an award. Of a silent provider nobody knows whether it accepted, so the job may run there. */
export type AwardOutcome =
  | { kind: 'accepted' }
  | { kind: 'refused'; code: string; message: string }
  | { kind: 'silent'; message: string }

/** What {@link sendAward} works with. */
export interface AwardComponents {
  network: PeerNetwork
  networkName: string
  privateKey: PrivateKey
  clock: Clock
}

/** What an award carries beside its terms: the whole job, with its secrets. */
export interface AwardJob {
  id: string
  job: MessageInitShape<typeof JobSchema>
  onDisconnect: 'continue' | 'stop'
  /** How long the container may run on out of touch where `onDisconnect` is `stop`. */
  leaseTimeoutMs: number
  /** Empty where nothing is traced. */
  traceparent: string
  /** Of the job, from 1. */
  attempt: number
}

/** Sends an award and says what became of it. Sending the same one twice is no error: the provider answers the same. */
export async function sendAward(
  { network, networkName, privateKey, clock }: AwardComponents,
  award: AwardInFlight,
  job: AwardJob,
  signal: AbortSignal,
): Promise<AwardOutcome> {
  const payload = encode(AwardSchema, {
    network: networkName,
    requestId: Buffer.from(award.requestId, 'hex'),
    bidId: Buffer.from(award.bidId, 'hex'),
    requirementsDigest: Buffer.from(award.requirementsDigest, 'hex'),
    requester: network.peerId,
    provider: award.provider,
    jobId: job.id,
    fence: award.fence,
    ...termsOf(award),
    job: job.job,
    onDisconnect: job.onDisconnect,
    leaseTimeoutMs: job.leaseTimeoutMs,
    addresses: network.addresses(),
    traceparent: job.traceparent,
    attempt: job.attempt,
  })
  const statement = await signStatement('award', payload, privateKey)
  const message = encode(AwardMessageSchema, { content: { case: 'award', value: statement } })
  const limit = deadline(clock, AWARD_TIMEOUT_MS, signal)
  try {
    const channel = await network.open(award.provider, Protocol.award, {
      addresses: award.addresses,
      signal: limit.signal,
      maxMessageBytes: MAX_BID_BYTES,
    })
    try {
      await channel.send(message)
      const bytes = await channel.receive({ signal: limit.signal })
      if (bytes === null) return { kind: 'silent', message: 'It closed the connection without an answer' }
      const { accepted, code, message: why } = readAwardReply(bytes)
      return accepted ? { kind: 'accepted' } : { kind: 'refused', code, message: why }
    } finally {
      await channel.close().catch((error) => channel.abort(error))
    }
  } catch (error) {
    signal.throwIfAborted()
    return { kind: 'silent', message: `It did not answer: ${error instanceof Error ? error.message : String(error)}` }
  } finally {
    limit.clear()
  }
}

/** Tells a provider that its bid is not taken. Best effort: the bid expires by itself. */
export async function releaseBid(
  network: PeerNetwork,
  bid: { provider: string; requestId: Uint8Array; bidId: Uint8Array },
): Promise<void> {
  const { requestId, bidId } = bid
  const channel = await network.open(bid.provider, Protocol.award, { maxMessageBytes: MAX_BID_BYTES })
  await channel.send(encode(AwardMessageSchema, { content: { case: 'release', value: { requestId, bidId } } }))
  await channel.close()
}
