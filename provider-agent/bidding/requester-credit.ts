/**
 * How far each requester is trusted to hold capacity that it has not awarded yet. Asking is free, so whoever asks and
 * lets bids lapse could lock a machine: each lapse beyond the first halves the share of the machine that its open bids
 * may hold; time and awards restore it. One lapse costs nothing, because an honest requester that crashed looks the same.
 */

import type { Clock } from '../../node/clock.ts'

/** In memory; which requesters have awarded is told again from the journal at each start. */
export interface RequesterCredit {
  /** Share of the machine that this requester's open bids may hold together, above 0 up to 1. */
  share(requester: string): number
  /** A bid was held for long and came to nothing. Several within {@link EPISODE_MS} count once. */
  lapsed(requester: string): void
  /** It awarded a bid. */
  awarded(requester: string): void
  /** Whether it has awarded any, as far back as is remembered. */
  hasAwarded(requester: string): boolean
}

/** Lapses this close together are one: a requester that vanished with many bids open. */
const EPISODE_MS = 5_000
/** One lapse is forgiven after this long. */
const FORGIVEN_MS = 60_000
/** The least share is 2^-6. */
const MAX_LAPSES = 7
/** Requesters remembered; the longest quiet are forgotten first. */
const MAX_REQUESTERS = 10_000

/** Knows nobody at first: each requester has its full share, and has awarded nothing. */
export function createRequesterCredit({ clock }: { clock: Clock }): RequesterCredit {
  const known = new Map<string, { lapses: number; atMs: number }>()
  const buyers = new Set<string>()

  function current(requester: string): number {
    const entry = known.get(requester)
    if (entry === undefined) return 0
    return Math.max(0, entry.lapses - Math.floor((clock.monotonicMs() - entry.atMs) / FORGIVEN_MS))
  }

  function set(requester: string, lapses: number): void {
    known.delete(requester)
    if (lapses === 0) return
    known.set(requester, { lapses, atMs: clock.monotonicMs() })
    const [oldest] = known.keys()
    if (known.size > MAX_REQUESTERS && oldest !== undefined) known.delete(oldest)
  }

  return {
    share: (requester) => 2 ** -Math.max(0, current(requester) - 1),
    lapsed(requester) {
      const lapses = current(requester)
      const last = known.get(requester)
      if (lapses > 0 && last !== undefined && clock.monotonicMs() - last.atMs < EPISODE_MS) return
      set(requester, Math.min(MAX_LAPSES, lapses + 1))
    },
    hasAwarded: (requester) => buyers.has(requester),
    awarded(requester) {
      buyers.delete(requester)
      buyers.add(requester)
      const [oldest] = buyers
      if (buyers.size > MAX_REQUESTERS && oldest !== undefined) buyers.delete(oldest)
      if (known.has(requester)) set(requester, Math.max(0, current(requester) - 1))
    },
  }
}
