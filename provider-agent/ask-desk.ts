/** Answers requests that come over a stream, to this provider alone; the stream's clean end releases the bid. */

import type { Clock } from '../node/clock.ts'
import type { Logger } from '../node/logger.ts'
import { answerStreams, receiveWithin } from '../node/network/answer-streams.ts'
import type { Channel, PeerNetwork } from '../node/network/index.ts'
import { createRateBudget } from '../node/network/rate-budget.ts'
import { type CheckedRequest, readRequest } from '../protocol/checks.ts'
import { MAX_GOSSIP_BYTES } from '../protocol/limits.ts'
import { Protocol } from '../protocol/topics.ts'
import { WireError } from '../protocol/wire-error.ts'
import type { Answered } from './bidder.ts'
import type { LetGo } from './let-go.ts'
import type { ReplayMemory } from './replay-memory.ts'
import type { Standing } from './standing.ts'

/** Questions of one requester taken per 10 s, and of all together: signing an answer takes about 1 ms of a core. */
const RATE = { own: 1_000, total: 5_000, spanMs: 10_000 }

/** What a question counts of one who has awarded nothing here yet, so that who asks and never buys may ask the less. */
const STRANGERS_COST = 4

/** Streams one connection may have open: a gateway asks for many jobs at a time, and each waits for its decision. */
const MAX_STREAMS = 512

/** How long a requester may take to ask once its stream is open, in ms. */
const READ_TIMEOUT_MS = 5_000

export interface AskDeskComponents {
  network: PeerNetwork
  clock: Clock
  logger: Logger
  replays: ReplayMemory
  letGo: LetGo
  standing: Pick<Standing, 'hasAwarded'>
  /** Answers in turn with the other requests of this requester; null where too many of them wait, or it comes too late. */
  answer: (request: CheckedRequest, requester: string) => Promise<Answered | null>
  /** The bid never arrived. */
  withdraw: (bidId: string) => void
}

export function createAskDesk(components: AskDeskComponents, init: { marketName: string; signal: AbortSignal }) {
  const { network, clock, replays, letGo, standing, withdraw } = components
  const logger = components.logger.child({ part: 'ask-desk' })
  const questions = createRateBudget({ clock }, RATE)

  async function serve(channel: Channel, requester: string): Promise<void> {
    if (questions.take(requester, standing.hasAwarded(requester) ? 1 : STRANGERS_COST) !== 'taken') {
      channel.abort(new Error('Asked too often'))
      return
    }
    const bytes = await receive(channel, READ_TIMEOUT_MS)
    if (bytes === null) return await channel.close()
    const request = readRequest(bytes, init.marketName, clock.nowMs())
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
