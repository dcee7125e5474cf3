import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import type { Journal } from '../journal/journal.ts'

/** Where what jobs need comes from. */
export type Origin = 'requester' | 'registry'

/** How fast what jobs need has come in lately. */
export interface Arrivals {
  /** Some has come, and is where a job can use it. What is too little shows nothing, and counts for nothing. */
  came(from: Origin, who: string, what: { bytes: number; ms: number }): void
  /** In bytes a second: from that one, else from all such together; 0 where nothing has come yet. */
  rate(from: Origin, who: string): number
}

/** Less is all waiting, and no coming. */
const LEAST_BYTES = 256 * 1024
/** The newest counts so much. */
const WEIGHT = 0.5
/** More requesters and registries are not told apart: those from which something came longest ago go first. */
const MAX_KNOWN = 1_000

/** What {@link openArrivals} works with. */
export interface ArrivalsComponents {
  journal: Pick<Journal, 'rate' | 'setRate'>
  logger: Logger
}

/** Takes up what the journal knows of all together; of each one, nothing is known yet. */
export async function openArrivals({ journal, logger }: ArrivalsComponents): Promise<Arrivals> {
  const ofAll = { requester: await journal.rate('requester'), registry: await journal.rate('registry') }
  const known = new Map<string, number>()
  const keyOf = (from: Origin, who: string): string => `${from} ${who}`
  const mean = (before: number, now: number): number => (before === 0 ? now : before + WEIGHT * (now - before))

  return {
    came(from, who, { bytes, ms }) {
      if (bytes < LEAST_BYTES) return
      const now = (bytes * 1_000) / Math.max(1, ms)
      const key = keyOf(from, who)
      const own = mean(known.get(key) ?? 0, now)
      known.delete(key)
      known.set(key, own)
      const [oldest] = known.keys()
      if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest)
      ofAll[from] = mean(ofAll[from], now)
      journal
        .setRate(from, Math.round(ofAll[from]))
        .catch((error) => logger.warn({ error }, 'how fast data comes in could not be kept'))
    },
    rate: (from, who) => Math.round(known.get(keyOf(from, who)) ?? ofAll[from]),
  }
}

/** Sees how fast something comes of which a part may have been there before. */
export interface Watch {
  /** So much is there by now. */
  there(bytes: number): void
  /** All of it is. */
  done(bytes: number): void
}

/** From now on until {@link Watch.done}. */
export function watchArrival(
  { arrivals, clock }: { arrivals: Pick<Arrivals, 'came'>; clock: Pick<Clock, 'monotonicMs'> },
  from: Origin,
  who: string,
): Watch {
  const beganMs = clock.monotonicMs()
  let before: number | null = null
  return {
    there(bytes) {
      before ??= bytes
    },
    done(bytes) {
      arrivals.came(from, who, { bytes: bytes - (before ?? 0), ms: clock.monotonicMs() - beganMs })
    },
  }
}
