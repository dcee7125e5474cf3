import type { Clock } from './clock.ts'

/** Who may do how much in a span of time: each peer for itself, and all of them together. */
export interface RateBudget {
  /**
   * Takes `amount` where the peer and the whole still have that much; else nothing, and says which of them has not: a
   * peer is to blame only for its `own`.
   * @param amount @default 1
   */
  take(peer: string, amount?: number): 'taken' | 'own' | 'total'
}

/** How much there is to take. A budget begins full. */
export interface RateBudgetInit {
  /** What one peer may take at once, and again within each `spanMs`, evenly. */
  own: number
  /** The same for all together. */
  total: number
  /** How long it takes from nothing to full again, in ms. */
  spanMs: number
}

/** Peers remembered; the longest quiet is forgotten first, which gives it all that it may take. */
const MAX_PEERS = 10_000

/**
 * A part of the whole, on top of it, that is kept for peers who have hardly asked: some flooders who use up the whole
 * together do not shut the others out. Whoever has less than {@link MODEST} of its own left gets none of it.
 */
const RESERVED = 0.25
const MODEST = 0.9

interface Bucket {
  left: number
  atMs: number
}

/**
 * Counts on the monotonic clock: no jump of the wall clock fills or empties it.
 *
 * Not the gateway's count of requests (`gateway/http/rate-limit.ts`), which promises a client how many it may still make
 * until which second, so it counts in windows. Nobody tells a peer what is left: it is to get through evenly, whole
 * amounts such as bytes or nothing, and never at the cost of all others.
 */
export function createRateBudget({ clock }: { clock: Pick<Clock, 'monotonicMs'> }, init: RateBudgetInit): RateBudget {
  const { own, total, spanMs } = init
  const peers = new Map<string, Bucket>()
  const all: Bucket = { left: total, atMs: clock.monotonicMs() }
  const reserve: Bucket = { left: total * RESERVED, atMs: clock.monotonicMs() }

  const refill = (bucket: Bucket, size: number): void => {
    const nowMs = clock.monotonicMs()
    bucket.left = Math.min(size, bucket.left + ((nowMs - bucket.atMs) / spanMs) * size)
    bucket.atMs = nowMs
  }

  const bucketOf = (peer: string): Bucket => {
    const bucket = peers.get(peer) ?? { left: own, atMs: clock.monotonicMs() }
    peers.delete(peer)
    peers.set(peer, bucket)
    const [oldest] = peers.keys()
    if (peers.size > MAX_PEERS && oldest !== undefined) peers.delete(oldest)
    refill(bucket, own)
    return bucket
  }

  return {
    take(peer, amount = 1) {
      refill(all, total)
      refill(reserve, total * RESERVED)
      const bucket = bucketOf(peer)
      if (bucket.left < amount) return 'own'
      const purse = all.left >= amount || bucket.left < own * MODEST ? all : reserve
      if (purse.left < amount) return 'total'
      bucket.left -= amount
      purse.left -= amount
      return 'taken'
    },
  }
}
