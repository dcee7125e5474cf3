import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import type { JobStore, Retention } from '../../node/store/index.ts'

const DAY_MS = 24 * 3_600_000

/** Output and samples for a month, events for three. */
export const DEFAULT_RETENTION: Retention = { logsMs: 30 * DAY_MS, metricsMs: 30 * DAY_MS, eventsMs: 90 * DAY_MS }

/** Pause between two passes, in ms. */
const EVERY_MS = 3_600_000
/** Before the first: a start has more urgent work. */
const FIRST_MS = 60_000

/** Removes what has come of age, again and again. */
export async function keepForgetting(
  { store, clock, logger }: { store: JobStore; clock: Clock; logger: Logger },
  retention: Retention,
  signal: AbortSignal,
): Promise<void> {
  // Aborted: the loop ends.
  const pause = async (ms: number) => await clock.sleep(ms, signal).catch(() => undefined)
  await pause(FIRST_MS)
  while (!signal.aborted) {
    const forgotten = await store.forgetOld(retention, signal)
    if (forgotten.jobs + forgotten.feed > 0) logger.info({ ...forgotten }, 'removed what is older than it is kept')
    await pause(EVERY_MS)
  }
}
