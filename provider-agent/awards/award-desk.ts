/**
 * Takes awards: the bid's reservation becomes a lease, journalled before the award is accepted. Releases come here, too.
 */

import { answerStreams, receiveWithin } from '../../node/network/answer-streams.ts'
import type { Channel } from '../../node/network/index.ts'
import { following, type Tracer, within } from '../../node/tracing/index.ts'
import { encode } from '../../protocol/codec.ts'
import { type Award, AwardReplySchema, type Release } from '../../protocol/gen/cortex/v1/market_pb.js'
import { MAX_AWARD_BYTES } from '../../protocol/limits.ts'
import { checkAward } from '../../protocol/market-messages.ts'
import { readAwardMessage } from '../../protocol/stream-messages.ts'
import { Protocol } from '../../protocol/topics.ts'
import { readTraceparent } from '../../protocol/traceparent.ts'
import type { LetGo } from '../bidding/let-go.ts'
import type { Offering } from '../bidding/policy.ts'
import { type AcceptanceComponents, createAcceptance, hex } from './acceptance.ts'
import type { AwardRefusal, AwardRefusalCode } from './award-check.ts'

/** What {@link createAwardDesk} works with. */
export interface AwardDeskComponents extends AcceptanceComponents {
  tracer: Tracer
  letGo: LetGo
}

/** The market that awards must be of, and what is offered in it. */
export interface AwardDeskInit {
  marketName: string
  /** As it is now. */
  offering: Readonly<Pick<Offering, 'capabilities' | 'isolations'>>
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
  const { network, clock } = components
  const logger = components.logger.child({ part: 'award-desk' })
  const scope = new AbortController()
  const acceptance = createAcceptance({ ...components, logger }, init.offering)
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
    if (first !== undefined) return await first.then(async () => await acceptance.repeated(award))
    const span = following(components.tracer, 'cortex.accept', readTraceparent(award.traceparent))
    const taking = within(
      span,
      async () => await acceptance.accept(award),
      (refusal) => ({ 'cortex.outcome': refusal?.code ?? 'accepted' }),
    ).finally(() => accepting.delete(bidId))
    accepting.set(bidId, taking)
    return await taking
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
