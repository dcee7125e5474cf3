/**
 * Answers requests: reserves what a job needs, then bids; or declines and says why. Only the sampled answer, so that a
 * request in a large network costs about as many answers as were asked for.
 */

import type { PrivateKey } from '@libp2p/interface'
import { orAborted } from '../../node/abort.ts'
import type { Logger } from '../../node/logger.ts'
import type { PeerNetwork, TopicSubscriber, Verdict } from '../../node/network/index.ts'
import type { Tracer } from '../../node/tracing/index.ts'
import { type CheckedRequest, ClockOffError, readRequest } from '../../protocol/market-messages.ts'
import { isSampled } from '../../protocol/sample.ts'
import { WireError } from '../../protocol/wire-error.ts'
import { createAnswerQueue } from './answer-queue.ts'
import { type Answered, createAnswering, declineOf } from './answering.ts'
import { createAskDesk } from './ask-desk.ts'
import type { ClockWatch } from './clock-watch.ts'
import { createDeciding, type DecidingComponents, type DecidingInit } from './deciding.ts'
import { deliverAnswer, MIN_ANSWER_MS } from './delivery.ts'
import type { LetGo } from './let-go.ts'
import type { ReplayMemory } from './replay-memory.ts'

/** What {@link createBidder} works with. */
export interface BidderComponents extends DecidingComponents {
  network: PeerNetwork
  privateKey: PrivateKey
  logger: Logger
  tracer: Tracer
  letGo: LetGo
  replays: ReplayMemory
  clocks: ClockWatch
}

/** Hears requests that are broadcast, and those that come over a stream to this provider alone. */
export interface Bidder {
  start(): void
  /** Hears nothing more; resolves when the answers under way have ended. */
  stop(): Promise<void>
}

/**
 * Not answered are requests that were heard before, those for another provider, those whose sample leaves this one out,
 * and those whose turn comes only after their bid window.
 */
export function createBidder(components: BidderComponents, init: DecidingInit): Bidder {
  const { network, clock, replays } = components
  const logger = components.logger.child({ part: 'bidder' })
  const scope = new AbortController()
  const answers = createAnswerQueue()
  const deciding = createDeciding(components, init)
  const compose = createAnswering({ ...components, deciding, peerId: network.peerId }, init)

  const subscriber: TopicSubscriber = {
    validate(data, author): Verdict {
      if (scope.signal.aborted) return 'ignore'
      const request = read(data, author)
      if (!replays.first(author, request.requestId)) throw new WireError('REPLAYED', 'The request was seen before')
      return 'accept'
    },
    deliver(data, author) {
      if (scope.signal.aborted) return
      const request = readRequest(data, init.marketName, clock.nowMs())
      if (!concerns(request)) return
      const heardMs = clock.monotonicMs()
      answers.add(author, async () => {
        // Nobody waits for an answer that comes after the window.
        const late = clock.monotonicMs() - heardMs > request.bidWindowMs
        if (!late && !scope.signal.aborted) await answer(request, author)
      })
    },
  }

  /** Who asks and is known to be there is told that one of the two clocks is off. */
  function read(data: Uint8Array, author: string): CheckedRequest {
    try {
      return readRequest(data, init.marketName, clock.nowMs())
    } catch (error) {
      if (error instanceof ClockOffError && network.peers().includes(author) && components.clocks.mayTell(author)) {
        void tellClockOff(error, author)
      }
      throw error
    }
  }

  async function tellClockOff(error: ClockOffError, author: string): Promise<void> {
    const message = declineOf(error, components.clocks.refusal(error, author))
    const about = { bidWindowMs: MIN_ANSWER_MS, addresses: [] }
    await deliverAnswer(components, message, about, author, scope.signal).catch((problem) => {
      logger.debug({ requester: author, error: String(problem) }, 'answer not delivered')
    })
  }

  function concerns({ requestId, requirements, samplePerMillion }: CheckedRequest): boolean {
    if (requirements.provider !== '') return requirements.provider === network.peerId
    return isSampled(requestId, network.peerId, samplePerMillion)
  }

  async function answer(request: CheckedRequest, requester: string): Promise<void> {
    let bid: Answered['bid'] = null
    try {
      const answered = await compose(request, requester)
      bid = answered.bid
      await deliverAnswer(components, answered.message, request, requester, scope.signal)
    } catch (error) {
      // It never arrived whole, so nobody can award it.
      if (bid !== null) deciding.withdraw(bid.bidId)
      logger.debug({ requester, error: String(error) }, 'answer not delivered')
    }
  }

  /** As {@link answer}, for a question on a stream, which carries the answer. */
  async function answerAsked(request: CheckedRequest, requester: string): Promise<Answered | null> {
    const heardMs = clock.monotonicMs()
    const done = Promise.withResolvers<Answered | null>()
    const taken = answers.add(requester, async () => {
      const late = clock.monotonicMs() - heardMs > request.bidWindowMs
      if (late || scope.signal.aborted) done.resolve(null)
      else await compose(request, requester).then(done.resolve, done.reject)
    })
    if (!taken) return null
    return await orAborted(done.promise, scope.signal)
  }

  return {
    start() {
      network.subscribe('requests', subscriber)
      createAskDesk(
        { ...components, answer: answerAsked, withdraw: deciding.withdraw },
        { marketName: init.marketName, signal: scope.signal },
      )
    },
    async stop() {
      scope.abort(new Error('The agent stops'))
      await answers.stop()
    },
  }
}
