import type { Clock } from '../../clock.ts'
import { type Moment, timeSince } from '../../moment.ts'
import type { Database } from '../database.ts'
import type { Forgotten, JobStore, Retention } from '../index.ts'
import { listJobs } from '../indexes/query.ts'
import { jobNow } from '../job-now.ts'
import { key, type Tables, within } from '../tables.ts'
import { EVERY_KEY } from '../whole-keys.ts'
import { del } from '../writer.ts'
import { leftOfKey } from './idempotency.ts'
import { ENDS, isOfAge } from './of-age.ts'

/** What {@link forgetOld} works with. */
export interface RetentionComponents {
  tables: Tables
  database: Pick<Database, 'batch' | 'compactRange'>
  change: JobStore['change']
  clock: Clock
  /** When the store was opened. */
  opened: Moment
}

const JOBS_AT_A_TIME = 100
const ENTRIES_AT_A_TIME = 1_000

/**
 * Removes what is older than it is to be kept. How far each kind has come is written down, so that a pass looks at those
 * jobs alone that have come of age since the one before; one that is cut off is gone on with.
 */
export async function forgetOld(
  components: RetentionComponents,
  retention: Retention,
  signal: AbortSignal,
): Promise<Forgotten> {
  const { tables, database, change, clock } = components
  // What a wall clock that was set forward says is old has to be so by the time that went by, too.
  const feedNowMs = Math.min(clock.nowMs(), timeSince(clock, components.opened))

  /** Does it to every job that ended long enough ago and was not yet looked at. */
  async function eachOfAge(kind: string, keepMs: number | null, forget: (id: string) => Promise<void>) {
    if (keepMs === null) return 0
    let jobs = 0
    for (const status of ENDS) {
      const mark = `retention ${kind} ${status}`
      const pageAfter = async (after: string | undefined, limit: number) =>
        await listJobs(tables, {
          ...{ statuses: [status], sort: 'endedAt', order: 'asc', limit },
          ...(after === undefined ? {} : { after }),
        })
      for (let isMore = true; isMore && !signal.aborted; ) {
        const after = await tables.meta.get(mark)
        const { jobs: next, hasMore } = await pageAfter(after, JOBS_AT_A_TIME)
        const old = next.filter((job) => isOfAge(clock, job, keepMs))
        for (const { id } of old) await forget(id)
        jobs += old.length
        isMore = hasMore && old.length === next.length
        const { next: reached } = await pageAfter(after, old.length)
        if (reached !== null) await tables.meta.put(mark, reached)
      }
    }
    return jobs
  }

  async function forgetLogs(id: string): Promise<void> {
    const { result: lines } = await change(id, (draft) => draft.forgetLogs())
    await tables.logs.clear({ ...within(id), lt: key(id, lines + 1) })
  }

  async function forgetMetrics(id: string): Promise<void> {
    await tables.metrics.clear(within(id))
  }

  async function forgetEvents(id: string): Promise<void> {
    await tables.events.clear(within(id))
  }

  const forgotten: Forgotten = { jobs: 0, feed: 0, keys: 0 }
  forgotten.jobs += await eachOfAge('logs', retention.logsMs, forgetLogs)
  forgotten.jobs += await eachOfAge('metrics', retention.metricsMs, forgetMetrics)
  forgotten.jobs += await eachOfAge('events', retention.eventsMs, forgetEvents)
  if (retention.metricsMs !== null) await forgetRunning(components, retention.metricsMs, signal)
  if (retention.eventsMs !== null) forgotten.feed = await forgetFeed(components, feedNowMs - retention.eventsMs, signal)
  forgotten.keys = await forgetKeys(components, signal)
  // LevelDB only marks what is deleted: the room is free once its tables are merged.
  if (forgotten.jobs + forgotten.feed > 0 && !signal.aborted) await database.compactRange(...EVERY_KEY)
  return forgotten
}

/** Old samples of jobs that still run. */
async function forgetRunning(
  { tables, clock }: RetentionComponents,
  keepMs: number,
  signal: AbortSignal,
): Promise<void> {
  const page = await listJobs(tables, {
    statuses: ['running'],
    sort: 'startedAt',
    order: 'asc',
    limit: ENTRIES_AT_A_TIME,
  })
  for (const job of page.jobs) {
    if (signal.aborted) return
    const beforeMs = jobNow(clock, job) - keepMs
    await tables.metrics.clear({ ...within(job.id), lt: key(job.id, Math.max(0, beforeMs)) })
  }
}

/** From the oldest on. The newest stays, since the next one's position follows from it. */
async function forgetFeed({ tables, database }: RetentionComponents, beforeMs: number, signal: AbortSignal) {
  let removed = 0
  while (!signal.aborted) {
    const entries = await tables.feed.iterator({ limit: ENTRIES_AT_A_TIME + 1 }).all()
    const young = entries.findIndex(([, { event }]) => event.timestampMs >= beforeMs)
    const old = entries.slice(0, young === -1 ? -1 : Math.min(young, entries.length - 1))
    if (old.length === 0) break
    await database.batch(old.map(([at]) => del(tables.feed, at)))
    removed += old.length
  }
  return removed
}

async function forgetKeys({ tables, database, clock }: RetentionComponents, signal: AbortSignal) {
  let removed = 0
  const keys = tables.idempotency.iterator()
  try {
    while (!signal.aborted) {
      const entries = await keys.nextv(ENTRIES_AT_A_TIME)
      if (entries.length === 0) break
      const over = entries.filter(([, known]) => leftOfKey(clock, known) <= 0)
      await database.batch(over.map(([at]) => del(tables.idempotency, at)))
      removed += over.length
    }
  } finally {
    await keys.close()
  }
  return removed
}
