import type { Bid, Decline } from '../../../protocol/gen/cortex/v1/market_pb.js'
import { checkBid } from '../../../protocol/market-messages.ts'
import { readBidMessage } from '../../../protocol/stream-messages.ts'
import { WireError } from '../../../protocol/wire-error.ts'

/** Why a provider does not bid, and what it is called. */
export interface NamedDecline {
  provider: string
  /** Empty where it is not known. */
  name: string
  decline: Decline
}

/** What a provider says to a request. */
export type BidOrDecline = { bid: Bid; decline: null } | { bid: null; decline: Decline }

/**
 * Reads the answer of a provider, however it came. Which request it is for is the caller's to see.
 *
 * @throws {WireError} one that breaks the rules, or is another peer's, or for another
 */
export async function readAnswer(
  bytes: Uint8Array,
  { networkName, provider, requester }: { networkName: string; provider: string; requester: string },
): Promise<BidOrDecline> {
  const { content } = readBidMessage(bytes)
  if (content.case === 'decline') return { bid: null, decline: content.value }
  if (content.case !== 'bid') throw new WireError('MALFORMED', 'A BidMessage holds a bid or a decline')
  const bid = await checkBid(content.value, networkName)
  if (bid.provider !== provider) throw new WireError('WRONG_SIGNER', 'The bid is another peer’s')
  if (bid.requester !== requester) throw new WireError('INVALID_FIELD', 'The bid is for another requester')
  return { bid, decline: null }
}

/** @throws {WireError} where the bid is on something else than was asked for */
export function checkAskedFor({ requirementsDigest }: Bid, digest: Uint8Array): void {
  if (Buffer.compare(requirementsDigest, digest) === 0) return
  throw new WireError('INVALID_FIELD', 'The bid is for other requirements')
}
