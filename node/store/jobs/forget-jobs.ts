import { isTerminal } from '../../../protocol/lifecycle.ts'
import type { Clock } from '../../clock.ts'
import { isToCome } from '../../outputs/index.ts'
import { breathe } from '../../turns.ts'
import { lostMark } from '../check/events.ts'
import type { ForgetJobsInit, JobStore } from '../index.ts'
import type { JobIndexes } from '../indexes/job-indexes.ts'
import { listJobIds } from '../indexes/query.ts'
import type { KeyedQueue } from '../keyed-queue.ts'
import { key, type Tables, within } from '../tables.ts'
import { del, type Operation, put, type Writer } from '../writer.ts'
import { billOf } from './bills.ts'
import { ENDS, isOfAge } from './of-age.ts'

/** What {@link forgetJobs} works with. */
export interface ForgetJobsComponents {
  tables: Tables
  indexes: JobIndexes
  writer: Writer
  queue: KeyedQueue
  change: JobStore['change']
  clock: Clock
}

const JOBS_AT_A_TIME = 100

/**
 * Removes jobs that ended long enough ago, the oldest first, each by itself. A pass that is cut off leaves each job whole, or
 * gone, or without some of what was written of it; the next one goes on with it.
 *
 * @returns how many went
 */
export async function forgetJobs(
  components: ForgetJobsComponents,
  init: ForgetJobsInit,
  signal: AbortSignal,
): Promise<number> {
  const { tables, clock } = components
  const { keepMs, isNeeded } = init
  let gone = 0
  for (const status of ENDS) {
    let after: string | null = null
    for (let isMore = true; isMore && !signal.aborted; ) {
      const page = await listJobIds(tables, {
        ...{ statuses: [status], sort: 'endedAt', order: 'asc', limit: JOBS_AT_A_TIME },
        ...(after === null ? {} : { after }),
      })
      after = page.next
      isMore = page.hasMore && after !== null
      for (const id of page.ids) {
        if (signal.aborted) break
        await breathe()
        const job = await tables.jobs.get(id)
        if (job === undefined) continue
        if (!isOfAge(clock, job, keepMs)) {
          isMore = false
          break
        }
        if (isToCome(job.output) || (await isNeeded(job))) continue
        await init.before(job)
        if (await remove(components, id)) gone += 1
      }
    }
  }
  return gone
}

async function remove(components: ForgetJobsComponents, id: string): Promise<boolean> {
  const { tables, indexes, writer, queue, change } = components
  // First, so that nothing is looked for that has gone where this is cut off.
  await change(id, (draft) => draft.forgetLogs())
  for (const table of [tables.logs, tables.metrics, tables.events, tables.bids]) await table.clear(within(id))
  return await queue.run(id, async () => {
    const job = await tables.jobs.get(id)
    if (job === undefined || !isTerminal(job.state.status)) return false
    const changes = await indexes.change(job, undefined, { keepCosts: true })
    const operations: Operation[] = [
      del(tables.jobs, id),
      del(tables.secrets, id),
      del(tables.meta, lostMark(id)),
      put(tables.bills, key(id), billOf(job)),
    ]
    try {
      await writer.write([...operations, ...changes.entries, ...changes.count()], true)
    } finally {
      changes.done()
    }
    return true
  })
}
