/**
 * Answers requests: reserves what a job needs, then bids; or declines and says why. Only the sampled answer, so that a
 * request in a large network costs about as many answers as were asked for.
 */

import type { PrivateKey } from '@libp2p/interface'
import type { Clock } from '../node/clock.ts'
import { deadline } from '../node/deadline.ts'
import type { Logger } from '../node/logger.ts'
import type { PeerNetwork, TopicSubscriber, Verdict } from '../node/network/index.ts'
import { orAborted } from '../node/network/or-aborted.ts'
import { createRateBudget } from '../node/network/rate-budget.ts'
import { following, type Tracer, within } from '../node/tracing/index.ts'
import { type CheckedRequest, readRequest } from '../protocol/checks.ts'
import { encode, requirementsDigest, toWireResources } from '../protocol/codec.ts'
import { BidMessageSchema, BidSchema } from '../protocol/gen/cortex/v1/market_pb.js'
import { MAX_BID_BYTES } from '../protocol/limits.ts'
import type { Terms } from '../protocol/money.ts'
import { isSampled } from '../protocol/sample.ts'
import { stampBits } from '../protocol/stamp.ts'
import { signStatement } from '../protocol/statements.ts'
import { Protocol } from '../protocol/topics.ts'
import { WireError } from '../protocol/wire-error.ts'
import { createAnswerQueue } from './answer-queue.ts'
import { createAskDesk } from './ask-desk.ts'
import type { Book } from './book.ts'
import type { LetGo } from './let-go.ts'
import { newBidId, type Offers } from './offers.ts'
import { type Offering, type Refusal, refusal } from './policy.ts'
import type { PriceList } from './price-rules.ts'
import { quote } from './pricing.ts'
import type { ReplayMemory } from './replay-memory.ts'
import type { Standing } from './standing.ts'

export interface BidderComponents {
  network: PeerNetwork
  privateKey: PrivateKey
  clock: Clock
  logger: Logger
  tracer: Tracer
  book: Book
  offers: Offers
  standing: Standing
  letGo: LetGo
  replays: ReplayMemory
  /** Null while the agent bids. */
  paused: () => Refusal | null
  uptimeSeconds: () => number
}

export interface BidderInit {
  marketName: string
  prices: PriceList
  offering: Offering
  reservationMs: number
  /** Work that a request must carry while more than {@link CALM} are answered; 0 is none. */
  stampBits: number
}

/** An encoded BidMessage, and the bid that it makes; null where it declines. */
export interface Answered {
  message: Uint8Array
  bid: { bidId: string; validForMs: number } | null
}

export interface Bidder {
  start(): void
  stop(): Promise<void>
}

/** What was offered, before it is signed. */
interface Offered extends Terms {
  bidId: Uint8Array
  validForMs: number
}

/** Requests answered without asking for stamps: 50 a second, about a tenth of a core. */
const CALM = { own: 500, total: 500, spanMs: 10_000 }

/** How long an answer may take to deliver, at least, in ms: beyond the bid window nobody waits for it. */
const MIN_ANSWER_MS = 2_000

export function createBidder(components: BidderComponents, init: BidderInit): Bidder {
  const { network, clock, book, offers, standing, replays } = components
  const logger = components.logger.child({ part: 'bidder' })
  const scope = new AbortController()
  const answers = createAnswerQueue()
  const load = createRateBudget({ clock }, CALM)

  const subscriber: TopicSubscriber = {
    validate(data, author): Verdict {
      if (scope.signal.aborted) return 'ignore'
      const request = readRequest(data, init.marketName, clock.nowMs())
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

  function concerns({ requestId, requirements, samplePerMillion }: CheckedRequest): boolean {
    if (requirements.provider !== '') return requirements.provider === network.peerId
    return isSampled(requestId, network.peerId, samplePerMillion)
  }

  async function answer(request: CheckedRequest, requester: string): Promise<void> {
    let bid: Answered['bid'] = null
    try {
      const answered = await compose(request, requester)
      bid = answered.bid
      await deliver(answered.message, request, requester)
    } catch (error) {
      // It never arrived whole, so nobody can award it.
      if (bid !== null) withdraw(bid.bidId)
      logger.debug({ requester, error: String(error) }, 'answer not delivered')
    }
  }

  async function compose(request: CheckedRequest, requester: string): Promise<Answered> {
    const span = following(components.tracer, 'cortex.bid', request.traceparent)
    return await within(
      span,
      async () => await composeTraced(request, requester),
      ({ bid }) => ({ 'cortex.bids': bid !== null }),
    )
  }

  async function composeTraced(request: CheckedRequest, requester: string): Promise<Answered> {
    const decision = decide(request, requester)
    if (!('bidId' in decision)) {
      const value = { requestId: request.requestId, ...decision }
      return { message: encode(BidMessageSchema, { content: { case: 'decline', value } }), bid: null }
    }
    const bidId = hex(decision.bidId)
    try {
      const value = await signBid(request, requester, decision)
      const message = encode(BidMessageSchema, { content: { case: 'bid', value } })
      return { message, bid: { bidId, validForMs: decision.validForMs } }
    } catch (error) {
      withdraw(bidId)
      throw error
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

  function lacksStamp({ requestId, stamp }: CheckedRequest, requester: string): boolean {
    return stampBits({ network: init.marketName, requester, requestId }, stamp) < init.stampBits
  }

  /** A refusal, or the bid that capacity is now set aside for. Synchronous: nothing comes between looking and taking. */
  function decide(request: CheckedRequest, requester: string): Refusal | Offered {
    const isBusy = load.take('all') !== 'taken'
    if (isBusy && lacksStamp(request, requester)) {
      const message = `is busy, and answers requests with a stamp of ${init.stampBits} bits`
      return { code: 'STAMP_REQUIRED', message, stampBits: init.stampBits }
    }
    const { requirements } = request
    const terms = quote(requirements.resources, init.prices.forClient(clock.nowMs(), requester))
    const held = book.heldBy(requester)
    const refused = refusal(requirements, init.offering, {
      total: book.total,
      free: book.freeFor(requester),
      terms,
      takesMinimumCharge: request.takesMinimumCharge,
      uptimeSeconds: components.uptimeSeconds(),
      paused: components.paused(),
      client: { peerId: requester, ...held, bidShare: standing.share(requester) },
    })
    if (refused !== null) return refused
    const bidId = newBidId()
    const validForMs = reservationFor(request.bidWindowMs, init.reservationMs)
    if (!book.reserve(hex(bidId), { requester, resources: requirements.resources }, validForMs)) {
      return { code: 'INSUFFICIENT_CAPACITY', message: 'has no room left' }
    }
    offers.add({
      bidId: hex(bidId),
      requestId: hex(request.requestId),
      requester,
      requirements,
      requirementsDigest: requirementsDigest(request.requirementsBytes),
      ...terms,
      madeAtMs: clock.monotonicMs(),
      validForMs,
    })
    return { bidId, validForMs, ...terms }
  }

  async function signBid(request: CheckedRequest, requester: string, bid: Offered) {
    const payload = encode(BidSchema, {
      network: init.marketName,
      requestId: request.requestId,
      requirementsDigest: requirementsDigest(request.requirementsBytes),
      bidId: bid.bidId,
      provider: network.peerId,
      requester,
      pricePerHour: bid.pricePerHour,
      minimumCharge: bid.minimumCharge,
      validForMs: bid.validForMs,
      free: toWireResources(book.freeFor(requester)),
      uptimeSeconds: BigInt(Math.floor(components.uptimeSeconds())),
    })
    return await signStatement('bid', payload, components.privateKey)
  }

  async function deliver(message: Uint8Array, request: CheckedRequest, requester: string): Promise<void> {
    const timeoutMs = Math.max(MIN_ANSWER_MS, request.bidWindowMs)
    const limit = deadline(clock, 2 * timeoutMs, scope.signal)
    try {
      const channel = await network.open(requester, Protocol.bid, {
        addresses: request.addresses,
        signal: limit.signal,
        timeoutMs,
        maxMessageBytes: MAX_BID_BYTES,
      })
      await channel.send(message)
      // From here on it may have arrived: should the answer get lost, the bid stays until it lapses.
      await channel.receive({ signal: limit.signal }).catch(() => null)
      await channel.close().catch(() => undefined)
    } finally {
      limit.clear()
    }
  }

  function withdraw(bidId: string): void {
    offers.remove(bidId)
    book.release(bidId)
  }

  return {
    start() {
      network.subscribe('requests', subscriber)
      createAskDesk(
        { ...components, answer: answerAsked, withdraw },
        { marketName: init.marketName, signal: scope.signal },
      )
    },
    async stop() {
      scope.abort(new Error('The agent stops'))
      await answers.stop()
    },
  }
}

/** Longer than the bid window, so that an award never meets an expired bid; bounded, whatever window a stranger names. */
function reservationFor(bidWindowMs: number, reservationMs: number): number {
  return Math.min(Math.max(reservationMs, 2 * bidWindowMs), 3 * reservationMs)
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
