import type { PrivateKey } from '@libp2p/interface'
import { following, type Tracer, within } from '../../node/tracing/index.ts'
import { encode, requirementsDigest, toWireResources } from '../../protocol/codec.ts'
import { BidMessageSchema, BidSchema } from '../../protocol/gen/cortex/v1/market_pb.js'
import { gpuToWire } from '../../protocol/gpu-wire.ts'
import type { CheckedRequest } from '../../protocol/market-messages.ts'
import { signStatement } from '../../protocol/statements.ts'
import { missingToWire } from '../../protocol/wanted-blobs.ts'
import type { Book } from '../capacity/book.ts'
import { type Deciding, hex, type Offered } from './deciding.ts'
import type { Refusal } from './policy.ts'

/** An encoded BidMessage, and the bid that it makes; null where it declines. */
export interface Answered {
  message: Uint8Array
  bid: { bidId: string; validForMs: number } | null
}

/** What {@link createAnswering} works with. */
export interface AnsweringComponents {
  deciding: Deciding
  book: Book
  privateKey: PrivateKey
  /** Of this provider. */
  peerId: string
  tracer: Tracer
  uptimeSeconds: () => number
}

/** Decides over a request, and puts that into a message: a bid that is signed, or why there is none. */
export function createAnswering(components: AnsweringComponents, { marketName }: { marketName: string }) {
  const { deciding, book, tracer } = components

  async function compose(request: CheckedRequest, requester: string): Promise<Answered> {
    const decision = deciding.decide(request, requester)
    if (!('bidId' in decision)) return { message: declineOf(request, decision), bid: null }
    const bidId = hex(decision.bidId)
    try {
      const value = await signBid(request, requester, decision)
      const message = encode(BidMessageSchema, { content: { case: 'bid', value } })
      return { message, bid: { bidId, validForMs: decision.validForMs } }
    } catch (error) {
      deciding.withdraw(bidId)
      throw error
    }
  }

  async function signBid(request: CheckedRequest, requester: string, bid: Offered) {
    const payload = encode(BidSchema, {
      network: marketName,
      requestId: request.requestId,
      requirementsDigest: requirementsDigest(request.requirementsBytes),
      bidId: bid.bidId,
      provider: components.peerId,
      requester,
      pricePerHour: bid.pricePerHour,
      minimumCharge: bid.minimumCharge,
      pricePerGb: bid.pricePerGb,
      volumePerGbHour: bid.volumePerGbHour,
      validForMs: bid.validForMs,
      free: toWireResources(book.freeFor(requester)),
      uptimeSeconds: BigInt(Math.floor(components.uptimeSeconds())),
      ...{ platform: bid.platform, emulated: bid.emulated, imageDigest: bid.imageDigest },
      isolation: bid.isolation,
      ...gpuOffered(request, bid),
      ...lackingToWire(bid.lacking),
    })
    return await signStatement('bid', payload, components.privateKey)
  }

  return async (request: CheckedRequest, requester: string): Promise<Answered> =>
    await within(
      following(tracer, 'cortex.bid', request.traceparent),
      async () => await compose(request, requester),
      ({ bid }) => ({ 'cortex.bids': bid !== null }),
    )
}

/** Of what nobody knows, nothing is said. */
function lackingToWire({ fromRequester, fromRegistry }: Offered['lacking']) {
  return {
    ...(fromRequester === undefined ? {} : { fromRequester: missingToWire(fromRequester) }),
    ...(fromRegistry === undefined ? {} : { fromRegistry: missingToWire(fromRegistry) }),
  }
}

/** As many of the kind as the job would have. */
function gpuOffered({ requirements: { resources } }: CheckedRequest, { gpu }: Offered) {
  if (gpu === null) return {}
  const { key: _, ...kind } = gpu
  return { gpu: gpuToWire({ ...kind, count: resources.gpu, free: null }) }
}

/** The encoded BidMessage of who does not bid. */
export function declineOf({ requestId }: Pick<CheckedRequest, 'requestId'>, refusal: Refusal): Uint8Array {
  return encode(BidMessageSchema, { content: { case: 'decline', value: { requestId, ...refusal } } })
}
