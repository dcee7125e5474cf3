import type { JobIdsPage, JobPage, JobQuery } from '../index.ts'
import type { JobRecord } from '../records.ts'
import type { Tables } from '../tables.ts'
import { planQuery } from './plan.ts'
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
      if (query.after !== undefined && (await firstOf(tables, query, batch)) !== idOf(position)) return
    }
    rows += 1
    if (rows > offset) found.push(position)
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
    for (const entry of matching) await take(entry)
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
    if (looked + passed / PASSED_FOR_ONE < lookAt || found.length > limit) continue
    searchedTo = position
    isExact = false
    break
  }
  if (waiting.length > 0) await look()

  const page = found.slice(0, limit)
  const last = found.length > limit ? page.at(-1) : (searchedTo ?? page.at(-1))
  return {
    ids: page.map(idOf),
    total: total ?? matches,
    isExact,
    hasMore: found.length > limit || searchedTo !== null,
    next: last === undefined ? null : sort === 'createdAt' ? idOf(last) : last,
    searched: searchedTo === null ? null : looked + passed,
  }
}

/** The first job of a batch that matches, in the order of the list: its row is there, whatever page is asked for. */
async function firstOf(tables: Tables, query: JobQuery, batch: string): Promise<string | undefined> {
  const { after: _after, fold: _fold, ...rest } = query
  const { sources, ids, where } = await planQuery(tables, { ...rest, batch }, MAX_READ)
  let first: string | undefined
  for await (const { position } of merged(sources, query.order ?? 'desc')) {
    const id = idOf(position)
    if (id < ids.gte || id >= ids.lt) continue
    if (where === null) return id
    await readJobs(tables, [id], (job) => {
      if (where(job)) first = id
    })
    if (first !== undefined) return first
  }
  return undefined
}
