import type { Logger } from '../../logger.ts'
import type { Database } from '../database.ts'
import type { Tables } from '../tables.ts'
import { key } from '../tables.ts'
import { type Operation, put } from '../writer.ts'
import { costOf, indexed, indexedReceipt } from './places.ts'
import { spansOf } from './times.ts'

/** Version of what is written beside the records. Raise it with every change of an entry, or of a counter's key. */
export const SCHEMA = 5

/** Jobs whose entries, some hundred each, are written together: what is in memory at a time. */
const JOBS_AT_A_TIME = 500
/** Counters gathered before they are added to those that are stored. */
const MAX_COUNTERS = 50_000
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
  const first = [
    ...(await tables.jobs.keys({ limit: 1 }).all()),
    ...(await tables.bills.keys({ limit: 1 }).all()),
    ...(await tables.volumeReceipts.keys({ limit: 1 }).all()),
  ]
  if (first.length > 0) {
    logger.info({ schema: SCHEMA }, 'indexes are made anew, since this version has others')
    // Where it is cut off, the version before it finds none that are its own either.
    await tables.meta.del('schema')
    const jobs = await rebuild(tables, database, (done) => logger.info({ jobs: done }, 'indexes are being made'))
    logger.info({ jobs }, 'indexes are made')
  }
  await tables.meta.put('schema', String(SCHEMA))
}

async function rebuild(tables: Tables, database: Database, progress: (jobs: number) => void): Promise<number> {
  const { index, counts, order, volumeCosts } = tables
  for (const table of [index, counts, order, tables.totals, tables.spans, tables.costs, volumeCosts])
    await table.clear()
  const totals = createSums(tables.totals, database)
  const spans = createSums(tables.spans, database)
  const costs = createSums(tables.costs, database)
  let jobs = 0
  let entries: [at: string, batch: string][] = []

  async function flush(): Promise<void> {
    // In order, tables that LevelDB makes of them overlap little.
    await writeAll(
      database,
      entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([at, batch]) => put(tables.order, at, batch)),
    )
    entries = []
    await totals.flush(MAX_COUNTERS)
    await spans.flush(MAX_COUNTERS)
    await costs.flush(MAX_COUNTERS)
  }

  for await (const job of tables.jobs.values()) {
    const written = indexed(job)
    for (const at of written.entries) entries.push([at, written.batch])
    for (const at of written.totals) totals.add(at)
    const times = spansOf(job.id)
    for (const at of written.timed) for (const span of times) spans.add(key(at, span))
    if (written.cost !== null) costs.add(written.cost.at, written.cost.nanoUsd)
    jobs += 1
    if (jobs % JOBS_AT_A_TIME === 0) await flush()
    if (jobs % (200 * JOBS_AT_A_TIME) === 0) progress(jobs)
  }
  await flush()
  for await (const bill of tables.bills.values()) {
    const cost = costOf(bill)
    if (cost !== null) costs.add(cost.at, cost.nanoUsd)
    await costs.flush(MAX_COUNTERS)
  }
  let paid: Operation[] = []
  for await (const receipt of tables.volumeReceipts.values()) {
    const { cost, entries: times } = indexedReceipt(receipt)
    costs.add(cost.at, cost.nanoUsd)
    paid.push(...times.map((at) => put(volumeCosts, at, cost.nanoUsd)))
    await costs.flush(MAX_COUNTERS)
    if (paid.length < MAX_BATCH) continue
    await writeAll(database, paid)
    paid = []
  }
  await writeAll(database, paid)
  await totals.flush(0)
  await spans.flush(0)
  await costs.flush(0)
  return jobs
}

/** Sums that are too many to be kept in memory until the end. */
function createSums(table: Tables['totals'], database: Database) {
  const sums = new Map<string, number>()
  return {
    add(at: string, by = 1): void {
      sums.set(at, (sums.get(at) ?? 0) + by)
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
