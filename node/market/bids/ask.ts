import { MAX_BID_BYTES } from '../../../protocol/limits.ts'
import { Protocol } from '../../../protocol/topics.ts'
import { WireError } from '../../../protocol/wire-error.ts'
import type { Clock } from '../../clock.ts'
import { deadline } from '../../deadline.ts'
import { type Channel, type PeerNetwork, PeerUnreachableError } from '../../network/index.ts'
import { type BidOrDecline, checkAskedFor, readAnswer } from './answer.ts'

/** How long a provider may take to close its half of a stream that is over, in ms. */
const FINISH_MS = 10_000

/** An answer to a question, with the stream that holds its bid: closing that releases the bid. */
export type AskAnswer = BidOrDecline & { channel: Channel }

/** A question to one provider. */
export interface AskInit {
  provider: string
  /** Multiaddrs at which it is dialled where there is no connection. */
  addresses: string[]
  /** An encoded JobRequest. */
  request: Uint8Array
  /** That of the request: an answer to another one is refused. */
  requestId: Uint8Array
  /** Of the job's requirements: a bid must name the same. */
  digest: Uint8Array
  /** How long the provider may take, in ms. */
  timeoutMs: number
  signal: AbortSignal
}

/**
 * Asks one provider, over a stream of its own, and reads its bid or decline.
 *
 * @throws {PeerUnreachableError} @throws {ChannelBrokenError} @throws {WireError} an answer that breaks the rules, which
 * is held against the provider
 */
export async function ask(
  { network, networkName, clock }: { network: PeerNetwork; networkName: string; clock: Clock },
  init: AskInit,
): Promise<AskAnswer> {
  const { provider, addresses, timeoutMs, signal } = init
  const options = { addresses, timeoutMs, maxMessageBytes: MAX_BID_BYTES, signal }
  const channel = await network.open(provider, Protocol.ask, options)
  const limit = deadline(clock, timeoutMs, signal)
  try {
    await channel.send(init.request)
    const bytes = await channel.receive({ signal: limit.signal })
    if (bytes === null) throw new PeerUnreachableError('The provider closed the stream without an answer')
    const answer = await readAnswer(bytes, { networkName, provider, requester: network.peerId })
    checkId((answer.bid ?? answer.decline).requestId, init.requestId)
    if (answer.bid !== null) checkAskedFor(answer.bid, init.digest)
    return { ...answer, channel }
  } catch (error) {
    if (error instanceof WireError) network.penalise(provider, `ask: ${error.code}`)
    channel.abort(error instanceof Error ? error : new Error(String(error)))
    throw error
  } finally {
    limit.clear()
  }
}

/** Ends a question: its bid, where it has one that was not awarded, is released. */
export async function finish({ clock }: { clock: Clock }, channel: Channel): Promise<void> {
  const limit = deadline(clock, FINISH_MS)
  await channel.close()
  try {
    await channel.receive({ signal: limit.signal })
  } catch {
    // it broke, which ends it as well
  }
  limit.clear()
  channel.abort(new Error('The question is over'))
}

function checkId(answered: Uint8Array, asked: Uint8Array): void {
  if (Buffer.compare(answered, asked) !== 0) throw new WireError('INVALID_FIELD', 'The answer is to another request')
}
