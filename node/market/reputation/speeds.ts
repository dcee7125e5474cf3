import { FIGURES, type Figures, figuresOf, type Measured } from '../../../protocol/measured.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import type { JobStore, SpeedRecord } from '../../store/index.ts'
import { ownerKey } from './owner-key.ts'
import { createRemembered } from './remembered.ts'

/** How fast this peer's own jobs found machines, beside what their providers say. */
export interface Speeds {
  /**
   * What to go by: what a provider says of itself, unless this owner's jobs saw it to be off by more than a third.
   * @param owner nobody's jobs count where it is left out
   */
  believed(provider: string, measured: Measured | null, owner?: string): Figures | null
  /** A job of the owner measured the machine, by the same methods. Its program is the owner's word: it counts for nobody else. */
  record(provider: string, seen: Omit<Measured, 'atMs'>, owner: string): void
  /** What jobs of the owner saw; null where they did not. */
  seen(provider: string, owner: string): SpeedRecord | null
  /** Takes over what the store kept; before the first question. */
  recall(): Promise<void>
}

/** Fewer measurements may have met a busy moment. */
const LEAST_SEEN = 2
/** A provider's word stands while what was seen is within this share of it. */
const MOST_OFF = 1 / 3
/** The newest measurement counts at least this much: machines change. */
const LEAST_WEIGHT = 0.25

/** Keeps the mean of an owner's measurements of a machine, in which the newest counts a quarter or more. */
export function createSpeeds(components: {
  store: Pick<JobStore, 'speeds' | 'keepSpeed'>
  clock: Pick<Clock, 'nowMs'>
  logger: Logger
}): Speeds {
  const { store, clock, logger } = components
  // What is lost in a crash is measured again.
  const known = createRemembered<SpeedRecord>({
    load: async () => await store.speeds(),
    keep: async (key, record) => await store.keepSpeed(key, record),
    onFailed: (key, error) => logger.warn({ key, error }, 'what was measured of a provider could not be kept'),
  })

  return {
    recall: known.recall,
    seen: (provider, owner) => known.get(ownerKey(provider, owner)) ?? null,
    record(provider, seen, owner) {
      const key = ownerKey(provider, owner)
      const before = known.get(key)
      // Of another version of the methods nothing can be compared.
      const count = before?.method === seen.method ? before.count + 1 : 1
      const weight = Math.max(1 / count, LEAST_WEIGHT)
      const mean = figuresOf((figure) => {
        const old = count === 1 ? 0 : (before?.[figure] ?? 0)
        return Math.round(old === 0 ? seen[figure] : old + weight * (seen[figure] - old))
      })
      known.set(key, { ...mean, method: seen.method, count, atMs: clock.nowMs() })
    },
    believed(provider, measured, owner) {
      const record = owner === undefined ? undefined : known.get(ownerKey(provider, owner))
      if (record === undefined || record.count < LEAST_SEEN) return measured
      if (measured === null || measured.method !== record.method) return record
      // What a job of one core could not see, such as all cores at once, is off by as much as the rest.
      const off = FIGURES.filter((figure) => record[figure] > 0 && isOff(measured[figure], record[figure]))
      if (off.length === 0) return measured
      const share = measured.cpuSingle === 0 ? 1 : Math.min(1, record.cpuSingle / measured.cpuSingle)
      return figuresOf((figure) => (record[figure] > 0 ? record[figure] : Math.round(measured[figure] * share)))
    },
  }
}

function isOff(said: number, seen: number): boolean {
  return Math.abs(said - seen) > seen * MOST_OFF
}
