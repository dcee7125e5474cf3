import { encode } from '../../../protocol/codec.ts'
import { type Bid, BidReceivedSchema } from '../../../protocol/gen/cortex/v1/market_pb.js'
import { MAX_BID_BYTES } from '../../../protocol/limits.ts'
import { Protocol } from '../../../protocol/topics.ts'
import { WireError } from '../../../protocol/wire-error.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import { answerStreams, receiveWithin } from '../../network/answer-streams.ts'
import type { Channel, PeerNetwork } from '../../network/index.ts'
import { createRateBudget } from '../../rate-budget.ts'
import { type BidOrDecline, checkAskedFor, readAnswer } from './answer.ts'

/** Answers of one provider that are taken, and of all: checking the signature of one takes about 1 ms of a core. */
const RATE = { own: 1_000, total: 5_000, spanMs: 10_000 }

/** How long a provider may take to say what it came for, in ms. */
const READ_TIMEOUT_MS = 5_000

/** A bid or decline that was checked, and which provider sent it. */
export type Answer = { provider: string } & BidOrDecline

/** Takes bids and declines off the wire and hands each to the round that asked for it. */
export interface BidDesk {
  /** Hands answers to this request to `take`, until the returned function is called. */
  open(requestId: Uint8Array, round: { digest: Uint8Array; take: (answer: Answer) => void }): () => void
}

/** What {@link createBidDesk} works with. */
export interface BidDeskComponents {
  network: PeerNetwork
  networkName: string
  clock: Clock
  logger: Logger
  /** A bid that came for a round that is over: the provider may have its capacity back. */
  onLate: (bid: Bid) => void
}

/** Serves streams of bids from now on. Of each provider one answer to a request counts; a second is held against it. */
export function createBidDesk({ network, networkName, clock, logger, onLate }: BidDeskComponents): BidDesk {
  const answers = createRateBudget({ clock }, RATE)
  const rounds = new Map<string, { digest: Uint8Array; take: (answer: Answer) => void; heard: Set<string> }>()

  async function read(channel: Channel, peer: string): Promise<void> {
    if (answers.take(peer) !== 'taken') return channel.abort(new Error('Answers too often'))
    const bytes = await receiveWithin(channel, { clock, ms: READ_TIMEOUT_MS })
    if (bytes === null) return
    take(await readAnswer(bytes, { networkName, provider: peer, requester: network.peerId }), peer)
    await channel.send(encode(BidReceivedSchema, {}))
    await channel.close()
  }

  function take(answer: BidOrDecline, peer: string): void {
    const round = rounds.get(idOf((answer.bid ?? answer.decline).requestId))
    if (round === undefined) {
      if (answer.bid !== null) onLate(answer.bid)
      return
    }
    if (answer.bid !== null) checkAskedFor(answer.bid, round.digest)
    once(round.heard, peer)
    round.take({ provider: peer, ...answer })
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

/** A request id, bid id or digest in hex, as records and maps have it. */
export function idOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
