import { randomBytes } from 'node:crypto'
import { RANDOM_ID_BYTES } from '../../protocol/ids.ts'
import type { Isolation } from '../../protocol/isolation.ts'
import type { Requirements } from '../../protocol/market-messages.ts'
import type { Terms } from '../../protocol/money.ts'

/** A bid that was made: what an award has to agree with. */
export interface Offer extends Terms {
  /** Hex. */
  bidId: string
  /** Hex. */
  requestId: string
  /** Peer id. */
  requester: string
  requirements: Requirements
  requirementsDigest: Uint8Array
  /** Of which kind its GPUs would be; see `kindOf`. @default it asks for none */
  gpuKind?: string
  /** Which walls it would have around it. */
  isolation: Isolation
  /** As what its image may run here, the best first. */
  platforms: string[]
  /** Monotonic, ms. */
  madeAtMs: number
  validForMs: number
}

/** Open bids by id, and for a while the ids of those that lapsed, so that a late award learns why it is refused. */
export interface Offers {
  add(offer: Offer): void
  get(bidId: string): Offer | undefined
  /** Forgets it; `lapsed` ones are remembered as such. */
  remove(bidId: string, lapsed?: boolean): void
  hasLapsed(bidId: string): boolean
}

const MAX_LAPSED = 4_096

/** In memory. Of those that lapsed, the last {@link MAX_LAPSED} are remembered. */
export function createOffers(): Offers {
  const open = new Map<string, Offer>()
  const lapsedIds = new Set<string>()
  return {
    add: (offer) => void open.set(offer.bidId, offer),
    get: (bidId) => open.get(bidId),
    remove(bidId, lapsed = false) {
      open.delete(bidId)
      if (!lapsed) return
      lapsedIds.add(bidId)
      const [oldest] = lapsedIds
      if (lapsedIds.size > MAX_LAPSED && oldest !== undefined) lapsedIds.delete(oldest)
    },
    hasLapsed: (bidId) => lapsedIds.has(bidId),
  }
}

/** Random, of `RANDOM_ID_BYTES`: nobody guesses the bid of another. */
export function newBidId(): Uint8Array {
  return randomBytes(RANDOM_ID_BYTES)
}
