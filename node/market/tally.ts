/** What happened on the market since the start of the process, by kind. */
export const MARKET_EVENTS = [
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
export type MarketEvent = (typeof MARKET_EVENTS)[number]

export interface Tally {
  count(event: MarketEvent, times?: number): void
  totals(): Record<MarketEvent, number>
}

export function createTally(): Tally {
  const totals = Object.fromEntries(MARKET_EVENTS.map((event) => [event, 0])) as Record<MarketEvent, number>
  return {
    count(event, times = 1) {
      totals[event] += times
    },
    totals: () => ({ ...totals }),
  }
}
