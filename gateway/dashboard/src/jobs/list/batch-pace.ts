/** How often a batch in sight that has not ended is asked for again, in ms, where there are few. */
const EVERY_MS = 5_000
/** How far apart such questions are, in ms: a key may ask 300 times a minute, and a page has others. */
const APART_MS = 500

/** How often each of so many batches in sight is asked for again, in ms. */
export function batchPaceMs(inSight: number): number {
  return Math.max(EVERY_MS, inSight * APART_MS)
}
