import type { Logger } from '../../logger.ts'
import type { Database } from '../database.ts'
import type { Tables } from '../tables.ts'
import { key } from '../tables.ts'
import { type Operation, put } from '../writer.ts'
import { standingOf } from './places.ts'
import { spansOf } from './times.ts'

/** Version of what is written beside the records. Raise it with every change of an entry's or a counter's key. */
const SCHEMA = 2

/** Jobs whose entries are written together. */
const JOBS_AT_A_TIME = 5_000
/** Counters gathered before they are added to those that are stored. */
const MAX_COUNTERS = 200_000
/** Operations of one batch. */
const MAX_BATCH = 20_000

/**
 * Makes indexes and counters anew from the records, where those that are stored are of another version. Begun again
 * where it was cut off. Half a minute or so for each 100,000 jobs.
 */
export async function rebuildIndexes({
  tables,
  database,
  logger,
}: {
  tables: Tables
  database: Database
  logger: Logger
}): Promise<void> {
  if ((await tables.meta.get('schema')) === String(SCHEMA)) return
  const [first] = await tables.jobs.keys({ limit: 1 }).all()
  if (first !== undefined) {
    logger.info({ schema: SCHEMA }, 'indexes are made anew, since this version has others')
    const jobs = await rebuild(tables, database, (done) => logger.info({ jobs: done }, 'indexes are being made'))
    logger.info({ jobs }, 'indexes are made')
  }
  await tables.meta.put('schema', String(SCHEMA))
}

async function rebuild(tables: Tables, database: Database, progress: (jobs: number) => void): Promise<number> {
  for (const table of [tables.index, tables.counts, tables.order, tables.totals, tables.spans]) await table.clear()
  const totals = createSums(tables.totals, database)
  const spans = createSums(tables.spans, database)
  let jobs = 0
  let entries: string[] = []

  async function flush(): Promise<void> {
    // In order, tables that LevelDB makes of them overlap little.
    await writeAll(
      database,
      entries.toSorted().map((at) => put(tables.order, at, '')),
    )
    entries = []
    await totals.flush(MAX_COUNTERS)
    await spans.flush(MAX_COUNTERS)
  }

  for await (const job of tables.jobs.values()) {
    const standing = standingOf(job)
    entries.push(...standing.entries)
    for (const at of standing.totals) totals.add(at)
    const times = spansOf(job.id)
    for (const at of standing.timed) for (const span of times) spans.add(key(at, span))
    jobs += 1
    if (jobs % JOBS_AT_A_TIME === 0) await flush()
    if (jobs % (20 * JOBS_AT_A_TIME) === 0) progress(jobs)
  }
  await flush()
  await totals.flush(0)
  await spans.flush(0)
  return jobs
}

/** Sums that are too many to be kept in memory until the end. */
function createSums(table: Tables['totals'], database: Database) {
  const sums = new Map<string, number>()
  return {
    add(at: string): void {
      sums.set(at, (sums.get(at) ?? 0) + 1)
    },
    /** Adds them to those that are stored where there are more than that. */
    async flush(max: number): Promise<void> {
      if (sums.size <= max) return
      const keys = [...sums.keys()].toSorted()
      const stored = await table.getMany(keys)
      await writeAll(
        database,
        keys.map((at, i) => put(table, at, (stored[i] ?? 0) + (sums.get(at) ?? 0))),
      )
      sums.clear()
    },
  }
}

async function writeAll(database: Database, operations: Operation[]): Promise<void> {
  for (let at = 0; at < operations.length; at += MAX_BATCH) await database.batch(operations.slice(at, at + MAX_BATCH))
}
