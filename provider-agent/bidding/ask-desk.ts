/** Answers requests that come over a stream, to this provider alone; the stream's clean end releases the bid. */

import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { answerStreams, receiveWithin } from '../../node/network/answer-streams.ts'
import type { Channel, PeerNetwork } from '../../node/network/index.ts'
import { createRateBudget } from '../../node/rate-budget.ts'
import { MAX_GOSSIP_BYTES } from '../../protocol/limits.ts'
import { type CheckedRequest, ClockOffError, readRequest } from '../../protocol/market-messages.ts'
import { Protocol } from '../../protocol/topics.ts'
import { WireError } from '../../protocol/wire-error.ts'
import { type Answered, declineOf } from './answering.ts'
import type { ClockWatch } from './clock-watch.ts'
import type { LetGo } from './let-go.ts'
import type { ReplayMemory } from './replay-memory.ts'
import type { RequesterCredit } from './requester-credit.ts'

/** Questions of one requester taken per 10 s, and of all together: signing an answer takes about 1 ms of a core. */
const RATE = { own: 1_000, total: 5_000, spanMs: 10_000 }

/** What a question counts of one who has awarded nothing here yet, so that who asks and never buys may ask the less. */
const STRANGERS_COST = 4

/** Streams one connection may have open: a gateway asks for many jobs at a time, and each waits for its decision. */
const MAX_STREAMS = 512

/** How long a requester may take to ask once its stream is open, in ms. */
const READ_TIMEOUT_MS = 5_000

/** What {@link createAskDesk} works with. */
export interface AskDeskComponents {
  network: PeerNetwork
  clock: Clock
  logger: Logger
  replays: ReplayMemory
  letGo: LetGo
  /** @default who has a wrong clock is taken for one who says old things again */
  clocks?: Pick<ClockWatch, 'refusal'>
  credit: Pick<RequesterCredit, 'hasAwarded'>
  /** Answers in turn with the other requests of this requester; null where too many of them wait, or it comes too late. */
  answer: (request: CheckedRequest, requester: string) => Promise<Answered | null>
  /** The bid never arrived. */
  withdraw: (bidId: string) => void
}

/** Answers from now on, until `init.signal` aborts. A bid whose answer cannot be sent is withdrawn. */
export function createAskDesk(components: AskDeskComponents, init: { marketName: string; signal: AbortSignal }) {
  const { network, clock, replays, letGo, credit, withdraw } = components
  const logger = components.logger.child({ part: 'ask-desk' })
  const questions = createRateBudget({ clock }, RATE)

  async function serve(channel: Channel, requester: string): Promise<void> {
    if (questions.take(requester, credit.hasAwarded(requester) ? 1 : STRANGERS_COST) !== 'taken') {
      channel.abort(new Error('Asked too often'))
      return
    }
    const bytes = await receive(channel, READ_TIMEOUT_MS)
    if (bytes === null) return await channel.close()
    const request = read(bytes, requester)
    if ('refusal' in request) {
      await channel.send(request.refusal)
      return await channel.close()
    }
    const { provider } = request.requirements
    if (provider !== '' && provider !== network.peerId) {
      throw new WireError('INVALID_FIELD', 'The request is for another provider')
    }
    if (!replays.first(requester, request.requestId)) throw new WireError('REPLAYED', 'The request was seen before')
    const answered = await components.answer(request, requester)
    if (answered === null) {
      channel.abort(new Error('Too many requests wait'))
      return
    }
    const { message, bid } = answered
    try {
      await channel.send(message)
    } catch (error) {
      if (bid !== null) withdraw(bid.bidId)
      throw error
    }
    if (bid !== null) await untilDecided(channel, bid, requester)
    await channel.close()
  }

  /** One whose clock is off is told so; nothing else of what it says is looked at. */
  function read(bytes: Uint8Array, requester: string): CheckedRequest | { refusal: Uint8Array } {
    try {
      return readRequest(bytes, init.marketName, clock.nowMs())
    } catch (error) {
      if (!(error instanceof ClockOffError) || components.clocks === undefined) throw error
      return { refusal: declineOf(error, components.clocks.refusal(error, requester)) }
    }
  }

  /** A stream that breaks says nothing: the award may come over another. */
  async function untilDecided(channel: Channel, bid: { bidId: string; validForMs: number }, requester: string) {
    const more = await receive(channel, bid.validForMs)
    if (more !== null) throw new WireError('MALFORMED', 'Nothing follows a request on its stream')
    letGo(bid.bidId, requester)
  }

  async function receive(channel: Channel, ms: number): Promise<Uint8Array | null> {
    return await receiveWithin(channel, { clock, ms, signal: init.signal })
  }

  const options = { maxMessageBytes: MAX_GOSSIP_BYTES, maxInboundStreams: MAX_STREAMS }
  answerStreams({ network, logger, name: 'ask' }, Protocol.ask, options, serve)
}
