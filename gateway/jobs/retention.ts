import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import type { Outputs } from '../../node/outputs/index.ts'
import type { JobRecord, JobStore, Retention } from '../../node/store/index.ts'

const DAY_MS = 24 * 3_600_000

/** Output and samples for a month, events for three, jobs for ever. */
export const DEFAULT_RETENTION: Retention = {
  ...{ jobsMs: null, logsMs: 30 * DAY_MS, metricsMs: 30 * DAY_MS, eventsMs: 90 * DAY_MS },
}

/** Pause between two passes, in ms. */
const EVERY_MS = 3_600_000
/** Before the first: a start has more urgent work. */
const FIRST_MS = 60_000

/** What {@link keepForgetting} works with. */
export interface RetentionComponents {
  store: Pick<JobStore, 'forgetOld' | 'forgetJobs'>
  outputs: Pick<Outputs, 'forget'>
  /** Whether something needs a job that has ended. */
  isNeeded(job: JobRecord): Promise<boolean>
  clock: Clock
  logger: Logger
}

/** Removes what has come of age, again and again. */
export async function keepForgetting(
  { store, outputs, isNeeded, clock, logger }: RetentionComponents,
  retention: Retention,
  signal: AbortSignal,
): Promise<void> {
  // Aborted: the loop ends.
  const pause = async (ms: number) => await clock.sleep(ms, signal).catch(() => undefined)
  await pause(FIRST_MS)
  while (!signal.aborted) {
    if (typeof retention.jobsMs === 'number') {
      const before = async ({ id }: JobRecord) => await outputs.forget(id)
      const jobs = await store.forgetJobs({ keepMs: retention.jobsMs, isNeeded, before }, signal)
      if (jobs > 0) logger.info({ jobs }, 'removed jobs that ended longer ago than they are kept')
    }
    const forgotten = await store.forgetOld(retention, signal)
    if (forgotten.jobs + forgotten.feed > 0) logger.info({ ...forgotten }, 'removed what is older than it is kept')
    await pause(EVERY_MS)
  }
}
