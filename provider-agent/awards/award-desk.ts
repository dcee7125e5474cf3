/**
 * Takes awards: the bid's reservation becomes a lease, journalled before the award is accepted. Releases come here, too.
 */

import { randomUUID } from 'node:crypto'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { momentNow } from '../../node/moment.ts'
import { answerStreams, receiveWithin } from '../../node/network/answer-streams.ts'
import type { Channel, PeerNetwork } from '../../node/network/index.ts'
import { following, type Tracer, within } from '../../node/tracing/index.ts'
import { encode } from '../../protocol/codec.ts'
import { type Award, AwardReplySchema, type Release } from '../../protocol/gen/cortex/v1/market_pb.js'
import { MAX_AWARD_BYTES } from '../../protocol/limits.ts'
import { checkAward } from '../../protocol/market-messages.ts'
import { readAwardMessage } from '../../protocol/stream-messages.ts'
import { Protocol } from '../../protocol/topics.ts'
import { readTraceparent } from '../../protocol/traceparent.ts'
import type { LetGo } from '../bidding/let-go.ts'
import type { Offers } from '../bidding/offers.ts'
import type { Refusal } from '../bidding/policy.ts'
import type { RequesterCredit } from '../bidding/requester-credit.ts'
import type { Book } from '../capacity/book.ts'
import type { Journal } from '../journal/journal.ts'
import { leaseId } from '../journal/records.ts'
import type { Leases } from '../lease/leases.ts'
import { type AwardRefusal, type AwardRefusalCode, checkAgainstOffer, leaseRecordOf, secretsOf } from './award-check.ts'

/** What {@link createAwardDesk} works with. */
export interface AwardDeskComponents {
  network: PeerNetwork
  clock: Clock
  logger: Logger
  tracer: Tracer
  book: Book
  offers: Offers
  credit: RequesterCredit
  letGo: LetGo
  leases: Leases
  journal: Journal
  /** Null while the agent takes jobs. */
  paused: () => Refusal | null
}

/** The market that awards must be of, and what is offered in it. */
export interface AwardDeskInit {
  marketName: string
  /** As it is now. */
  offering: { readonly capabilities: string[] }
}

/** How long a stream may stay without a message, in ms. */
const IDLE_MS = 10_000
/** Room for the frame around the statement. */
const MAX_MESSAGE_BYTES = MAX_AWARD_BYTES
/** Streams one connection may have open: a gateway awards and releases many jobs at a time. */
const MAX_STREAMS = 512

/** Refusals that no honest requester ever meets: it awards bids of its own, on the terms that were bid. */
const LIES: AwardRefusalCode[] = ['NOT_THE_REQUESTER', 'REQUIREMENTS_CHANGED', 'PRICE_CHANGED']

/** Answers the streams on which requesters award and release. */
export interface AwardDesk {
  start(): void
  stop(): void
  /** Awards refused since the start, by code. */
  refused(): Record<string, number>
}

/**
 * A repeated award is answered as the first was, also by a later process. A refusal that no honest requester meets
 * counts against the peer.
 */
export function createAwardDesk(components: AwardDeskComponents, init: AwardDeskInit): AwardDesk {
  const { network, clock, book, offers, credit, leases, journal } = components
  const logger = components.logger.child({ part: 'award-desk' })
  const scope = new AbortController()
  /** Awards being journalled, by bid: a repeated one waits for the first and answers the same. */
  const accepting = new Map<string, Promise<AwardRefusal | null>>()
  const refusals = new Map<AwardRefusalCode, number>()

  async function answer(channel: Channel, peer: string): Promise<void> {
    for (;;) {
      const bytes = await receiveWithin(channel, { clock, ms: IDLE_MS, signal: scope.signal })
      if (bytes === null) break
      const { content } = readAwardMessage(bytes)
      if (content.case === 'release') release(content.value, peer)
      if (content.case === 'award') {
        const award = await checkAward(content.value, init.marketName)
        const refusal = await take(award, peer)
        if (refusal !== null) note(refusal.code, peer, award.jobId)
        const { code = '', message = '' } = refusal ?? {}
        await channel.send(encode(AwardReplySchema, { accepted: refusal === null, code, message }))
      }
    }
    await channel.close()
  }

  function note(code: AwardRefusalCode, peer: string, jobId: string): void {
    logger.info({ peer, job: jobId, code }, 'award refused')
    refusals.set(code, (refusals.get(code) ?? 0) + 1)
    if (LIES.includes(code)) network.penalise(peer, `award: ${code}`)
  }

  function release({ bidId }: Release, peer: string): void {
    components.letGo(hex(bidId), peer)
  }

  async function take(award: Award, peer: string): Promise<AwardRefusal | null> {
    if (award.requester !== peer) {
      return { code: 'NOT_THE_REQUESTER', message: 'The award is signed by somebody else than who sent it' }
    }
    const bidId = hex(award.bidId)
    const first = accepting.get(bidId)
    if (first !== undefined) return await first.then(async () => await repeated(award))
    const span = following(components.tracer, 'cortex.accept', readTraceparent(award.traceparent))
    const taking = within(
      span,
      async () => await accept(award, bidId),
      (refusal) => ({ 'cortex.outcome': refusal?.code ?? 'accepted' }),
    ).finally(() => accepting.delete(bidId))
    accepting.set(bidId, taking)
    return await taking
  }

  /** Null where this very award was accepted before, in this process or an earlier one. */
  async function repeated(award: Award): Promise<AwardRefusal | null> {
    const { jobId, fence, requester } = award
    const { bidId, requester: owner } =
      leases.get(leaseId(jobId, fence))?.record ?? (await journal.settled(requester, jobId, fence)) ?? {}
    if (bidId === hex(award.bidId) && owner === requester) return null
    return { code: 'BID_UNKNOWN', message: 'The bid was awarded to another attempt' }
  }

  async function accept(award: Award, bidId: string): Promise<AwardRefusal | null> {
    if ((await repeated(award)) === null) return null
    const offer = offers.get(bidId)
    if (offer === undefined) {
      return offers.hasLapsed(bidId)
        ? { code: 'BID_EXPIRED', message: 'The bid has expired' }
        : { code: 'BID_UNKNOWN', message: 'This provider has no such bid open' }
    }
    const refusal = checkAgainstOffer(award, offer, network.peerId, init.offering.capabilities) ?? components.paused()
    if (refusal !== null) return refusal
    const highest = await leases.highestFence(award.requester, award.jobId)
    if (award.fence <= highest) {
      return { code: 'STALE_FENCE', message: `Fence ${award.fence} after ${highest} was seen for this job` }
    }
    const id = leaseId(award.jobId, award.fence)
    if (leases.get(id) !== undefined) {
      return { code: 'INVALID_JOB', message: 'Another requester has a job of this id here' }
    }
    const committed = book.commit(bidId, id)
    if (committed === 'lapsed') return { code: 'BID_EXPIRED', message: 'The bid has expired' }
    offers.remove(bidId, committed === 'taken')
    if (committed === 'taken') {
      return {
        code: 'INSUFFICIENT_CAPACITY',
        message: 'The room was given to a requester that has awarded here before',
      }
    }
    credit.awarded(award.requester)
    try {
      await leases.accept(leaseRecordOf(award, offer, momentNow(clock)), secretsOf(award))
    } catch (error) {
      book.release(id)
      const reference = randomUUID()
      logger.error({ reference, error: String(error) }, 'the lease was not journalled')
      return { code: 'STORE_UNAVAILABLE', message: `The provider could not write the lease down (${reference})` }
    }
    return null
  }

  return {
    start() {
      const options = { maxMessageBytes: MAX_MESSAGE_BYTES, maxInboundStreams: MAX_STREAMS }
      answerStreams({ network, logger, name: 'award' }, Protocol.award, options, answer)
    },
    stop: () => scope.abort(new Error('The agent stops')),
    refused: () => Object.fromEntries(refusals),
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
