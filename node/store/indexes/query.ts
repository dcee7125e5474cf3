import type { JobIdsPage, JobPage, JobQuery } from '../index.ts'
import type { JobRecord } from '../records.ts'
import type { Tables } from '../tables.ts'
import { type Plan, planQuery, positionFrom } from './plan.ts'
import { readJobs } from './read-jobs.ts'
import { type Entry, idOf, merged, type Position } from './sources.ts'

/** Jobs looked at to count those that match where no counter knows. */
const MAX_COUNTED = 10_000
/** Records read at a time: one may have a quarter of a megabyte, and each is looked at by itself. */
const MAX_READ = 32
/** Jobs passed over at a time. */
const MAX_AHEAD = 1_000
/** Entries that are passed over in the time that one job is looked at, and more. */
const PASSED_FOR_ONE = 10
/** Jobs that are looked at in the time that it takes to ask whether a batch had its row, or less. */
const LOOKED_FOR_A_BATCH = 20

/** With the jobs themselves, which have to be in memory together. */
export async function listJobs(tables: Tables, query: JobQuery): Promise<JobPage> {
  const { ids, ...page } = await listJobIds(tables, query)
  const jobs: JobRecord[] = []
  await readJobs(tables, ids, (job) => void jobs.push(job))
  return { jobs, ...page }
}

/** Reads records only where indexes do not answer by themselves; folded jobs are passed over by their entries alone. */
export async function listJobIds(tables: Tables, query: JobQuery): Promise<JobIdsPage> {
  const { limit, offset = 0, order = 'desc', sort = 'createdAt', lookAt = Number.POSITIVE_INFINITY, fold } = query
  const { sources, ids, where, total } = await planQuery(tables, query, Math.min(offset + limit + 1, MAX_AHEAD))
  const found: Position[] = []
  let matches = 0
  /** Those of them that are rows: all but the folded ones. */
  let rows = 0
  /** Batches that have their row, here or on an earlier page. */
  const folded = new Set<string>()
  let waiting: Entry[] = []
  let counted = 0
  let isExact = true
  let looked = 0
  /** Folded ones behind the first of their batch. */
  let passed = 0
  /** What it took to know which batches had their row on an earlier page, in jobs that are looked at. */
  let before = 0
  /** The last job that was looked at, where no more may be. */
  let searchedTo: Position | null = null
  /** Where every match is loaded, they are read a few at a time until the page is full. */
  let readSize = Math.min(limit + 1, MAX_READ)

  async function take({ position, batch }: Entry): Promise<void> {
    matches += 1
    if (found.length > limit) return
    if (folded.has(batch)) {
      passed += 1
      return
    }
    if (fold && batch !== '') {
      folded.add(batch)
      if (query.after !== undefined) {
        const { hadRow, lookedAt } = await lookBefore(tables, { ...query, batch, after: query.after }, ids)
        before += LOOKED_FOR_A_BATCH + lookedAt
        if (hadRow) return
      }
    }
    rows += 1
    if (rows > offset) found.push(position)
  }
  /** Whether the page ends with this one, since that much was spent on it. */
  function endsWith(position: Position, spent: number): boolean {
    if (spent >= lookAt && found.length <= limit) searchedTo ??= position
    return searchedTo !== null
  }
  async function look(): Promise<void> {
    const entries = waiting
    waiting = []
    readSize = Math.min(readSize * 2, MAX_READ)
    looked += entries.length
    const matching: Entry[] = []
    await readJobs(
      tables,
      entries.map(({ position }) => idOf(position)),
      (job, i) => {
        const entry = entries[i]
        if (entry !== undefined && where?.(job) === true) matching.push(entry)
      },
    )
    for (const entry of matching) {
      await take(entry)
      if (endsWith(entry.position, before)) return
    }
  }

  for await (const entry of merged(sources, order)) {
    const { position } = entry
    const id = idOf(position)
    if (id < ids.gte || id >= ids.lt) continue
    const isFull = found.length > limit
    if (isFull && total !== null) break
    if (isFull && counted >= MAX_COUNTED) {
      isExact = false
      break
    }
    if (isFull) counted += 1
    if (where === null) await take(entry)
    else if (waiting.push(entry) >= readSize) await look()
    if (endsWith(position, looked + passed / PASSED_FOR_ONE + before)) break
  }
  if (waiting.length > 0) await look()

  const page = found.slice(0, limit)
  const last = found.length > limit ? page.at(-1) : (searchedTo ?? page.at(-1))
  return {
    ids: page.map(idOf),
    total: total ?? matches,
    isExact: isExact && searchedTo === null,
    hasMore: found.length > limit || searchedTo !== null,
    next: last === undefined ? null : sort === 'createdAt' ? idOf(last) : last,
    searched: searchedTo === null ? null : looked + passed,
  }
}

/**
 * Whether a job of the batch that matches stands before the page, and how many jobs were looked at for that.
 * @param ids of the time that is asked for
 */
async function lookBefore(
  tables: Tables,
  query: JobQuery & { batch: string; after: string },
  ids: Plan['ids'],
): Promise<{ hadRow: boolean; lookedAt: number }> {
  // Without the time, for which fewer jobs would be sorted by hand: of a batch there are no more than can be passed over.
  const { after, order = 'desc', fold: _fold, fromMs: _from, toMs: _to, ...rest } = query
  const { sources, where } = await planQuery(tables, { ...rest, order }, MAX_READ)
  const end = positionFrom(after)
  let lookedAt = 0
  let hadRow = false
  for await (const { position } of merged(sources, order)) {
    if (order === 'asc' ? position > end : position < end) break
    const id = idOf(position)
    if (id < ids.gte || id >= ids.lt) continue
    if (where === null) return { hadRow: true, lookedAt }
    lookedAt += 1
    await readJobs(tables, [id], (job) => {
      hadRow = where(job)
    })
    if (hadRow) break
  }
  return { hadRow, lookedAt }
}
