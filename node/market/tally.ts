/** What happened on the market since the start of the process, by kind. */
const MARKET_EVENTS = [
  /** Providers asked one by one; requests broadcast to everyone. */
  'asked',
  'broadcast',
  /** What came back within the window, and what did not. */
  'bid',
  'declined',
  'unanswered',
  /** What became of awards. */
  'accepted',
  'refused',
  'silent',
] as const
/** One of {@link MARKET_EVENTS}. */
export type MarketEvent = (typeof MARKET_EVENTS)[number]

/** Counts them; only ever up. */
export interface Tally {
  /** @param times @default 1 */
  count(event: MarketEvent, times?: number): void
  /** A copy, every event with its number. */
  totals(): Record<MarketEvent, number>
}

/** All begin at 0 with the process. */
export function createTally(): Tally {
  const totals = Object.fromEntries(MARKET_EVENTS.map((event) => [event, 0])) as Record<MarketEvent, number>
  return {
    count(event, times = 1) {
      totals[event] += times
    },
    totals: () => ({ ...totals }),
  }
}
