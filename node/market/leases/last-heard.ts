/**
 * When a lease was heard of last before its end: an end that its provider tells of later cannot have been before that. What waited
 * over a break comes together with the end, and says nothing of when that was; so what comes in the last minute before does not count.
 */

import type { Clock } from '../../clock.ts'
import { elapsedSince, type Moment, momentNow } from '../../moment.ts'
import type { Lease } from '../../store/index.ts'

/** What waited over a break, or in a queue, is heard within this time, in ms. */
const WAITED_MS = 60_000

/** After a word of the lease that tells of no end: two moments at most, so far apart that one of them counts. */
export function heardNow(clock: Clock, { heard = [] }: Pick<Lease, 'heard'>): Moment[] {
  const last = heard.at(-1)
  if (last !== undefined && elapsedSince(clock, last) < WAITED_MS) return heard
  return [...heard.slice(-1), momentNow(clock)]
}

/** At the end of the lease: those that count. */
export function beforeEnd(clock: Clock, { heard = [] }: Pick<Lease, 'heard'>): Moment[] {
  return heard.filter((moment) => elapsedSince(clock, moment) >= WAITED_MS)
}
