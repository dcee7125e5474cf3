import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { createRateBudget } from '../../node/rate-budget.ts'
import type { ClockOffError } from '../../protocol/market-messages.ts'
import type { Refusal } from './policy.ts'

/** How long a clock that was off is told of, in ms. */
const TOLD_MS = 15 * 60_000

/** A requester is told by a message of its own so often at most: what it broadcast may have been said again by somebody. */
const TELL = { own: 1, total: 60, spanMs: 60_000 }

/** Requesters whose clocks are so far from this machine's that their requests cannot be told from old ones said again. */
export interface ClockWatch {
  /** What such a requester is answered. */
  refusal(error: ClockOffError, requester: string): Refusal
  /** Whether it may be told by a message of its own. */
  mayTell(requester: string): boolean
  /** Those of the last quarter of an hour, for people; null where there are none. */
  finding(): string | null
}

/** Remembers the last such requester, in memory. */
export function createClockWatch({ clock, logger }: { clock: Clock; logger: Logger }): ClockWatch {
  const budget = createRateBudget({ clock }, TELL)
  let last: { requester: string; aheadMs: number; atMs: number } | null = null

  return {
    refusal({ aheadMs }, requester) {
      const isNews = last === null || last.requester !== requester || clock.monotonicMs() - last.atMs > TOLD_MS
      last = { requester, aheadMs, atMs: clock.monotonicMs() }
      if (isNews) logger.warn({ requester, aheadMs }, 'its requests are not answered: its clock or this one is wrong')
      const where = aheadMs > 0 ? 'behind' : 'ahead of'
      const message = `its clock is ${spanOf(aheadMs)} ${where} that of who asks: set both, by NTP for example`
      return { code: 'CLOCK_OFF', message }
    },
    mayTell: (requester) => budget.take(requester) === 'taken',
    finding() {
      if (last === null || clock.monotonicMs() - last.atMs > TOLD_MS) return null
      const where = last.aheadMs > 0 ? 'behind' : 'ahead of'
      return `this machine’s clock is ${spanOf(last.aheadMs)} ${where} that of ${last.requester}, who asked for bids`
    },
  }
}

/** In hours and minutes, whichever way. */
function spanOf(ms: number): string {
  const minutes = Math.round(Math.abs(ms) / 60_000)
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
