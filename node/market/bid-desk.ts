import { checkBid } from '../../protocol/checks.ts'
import { encode } from '../../protocol/codec.ts'
import { type Bid, BidReceivedSchema, type Decline } from '../../protocol/gen/cortex/v1/market_pb.js'
import { MAX_BID_BYTES } from '../../protocol/limits.ts'
import { readBidMessage } from '../../protocol/stream-messages.ts'
import { Protocol } from '../../protocol/topics.ts'
import { WireError } from '../../protocol/wire-error.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import { answerStreams, receiveWithin } from '../network/answer-streams.ts'
import type { Channel, PeerNetwork } from '../network/index.ts'
import { createRateBudget } from '../network/rate-budget.ts'

/** Answers of one provider that are taken, and of all: checking the signature of one takes about 1 ms of a core. */
const RATE = { own: 1_000, total: 5_000, spanMs: 10_000 }

/** How long a provider may take to say what it came for, in ms. */
const READ_TIMEOUT_MS = 5_000

export type Answer = { provider: string } & ({ bid: Bid; decline: null } | { bid: null; decline: Decline })

/** Takes bids and declines off the wire and hands each to the round that asked for it. */
export interface BidDesk {
  /** Hands answers to this request to `take`, until the returned function is called. */
  open(requestId: Uint8Array, round: { digest: Uint8Array; take: (answer: Answer) => void }): () => void
}

export interface BidDeskComponents {
  network: PeerNetwork
  networkName: string
  clock: Clock
  logger: Logger
  /** A bid that came for a round that is over: the provider may have its capacity back. */
  onLate: (bid: Bid) => void
}

export function createBidDesk({ network, networkName, clock, logger, onLate }: BidDeskComponents): BidDesk {
  const answers = createRateBudget({ clock }, RATE)
  const rounds = new Map<string, { digest: Uint8Array; take: (answer: Answer) => void; heard: Set<string> }>()

  async function read(channel: Channel, peer: string): Promise<void> {
    if (answers.take(peer) !== 'taken') return channel.abort(new Error('Answers too often'))
    const bytes = await receiveWithin(channel, { clock, ms: READ_TIMEOUT_MS })
    if (bytes === null) return
    const { content } = readBidMessage(bytes)
    if (content.case === 'bid') await takeBid(await checkBid(content.value, networkName), peer)
    else if (content.case === 'decline') takeDecline(content.value, peer)
    else throw new WireError('MALFORMED', 'A BidMessage holds a bid or a decline')
    await channel.send(encode(BidReceivedSchema, {}))
    await channel.close()
  }

  async function takeBid(bid: Bid, peer: string): Promise<void> {
    if (bid.provider !== peer) throw new WireError('WRONG_SIGNER', 'The bid is another peer’s')
    if (bid.requester !== network.peerId) throw new WireError('INVALID_FIELD', 'The bid is for another requester')
    const round = rounds.get(idOf(bid.requestId))
    if (round === undefined) {
      onLate(bid)
      return
    }
    if (!equal(bid.requirementsDigest, round.digest)) {
      throw new WireError('INVALID_FIELD', 'The bid is for other requirements')
    }
    once(round.heard, peer)
    round.take({ provider: peer, bid, decline: null })
  }

  function takeDecline(decline: Decline, peer: string): void {
    const round = rounds.get(idOf(decline.requestId))
    if (round === undefined) return
    once(round.heard, peer)
    round.take({ provider: peer, bid: null, decline })
  }

  const options = { maxMessageBytes: MAX_BID_BYTES, maxInboundStreams: 512 }
  answerStreams({ network, logger, name: 'bid' }, Protocol.bid, options, read)

  return {
    open(requestId, round) {
      const id = idOf(requestId)
      rounds.set(id, { ...round, heard: new Set() })
      return () => rounds.delete(id)
    },
  }
}

function once(heard: Set<string>, peer: string): void {
  if (heard.has(peer)) throw new WireError('REPLAYED', 'One answer to a request is enough')
  heard.add(peer)
}

export function idOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
