import type { JobIdsPage, JobPage, JobQuery } from '../index.ts'
import type { JobRecord } from '../records.ts'
import type { Tables } from '../tables.ts'
import { planQuery } from './plan.ts'
import { readJobs } from './read-jobs.ts'
import { idOf, merged, type Position } from './sources.ts'

/** Jobs looked at to count those that match where no counter knows. */
const MAX_COUNTED = 10_000
/** Records read at a time: one may have a quarter of a megabyte, and each is looked at by itself. */
const MAX_READ = 32
/** Jobs passed over at a time. */
const MAX_AHEAD = 1_000

/** With the jobs themselves, which have to be in memory together. */
export async function listJobs(tables: Tables, query: JobQuery): Promise<JobPage> {
  const { ids, ...page } = await listJobIds(tables, query)
  const jobs: JobRecord[] = []
  await readJobs(tables, ids, (job) => void jobs.push(job))
  return { jobs, ...page }
}

/** Reads records only where indexes do not answer by themselves. */
export async function listJobIds(tables: Tables, query: JobQuery): Promise<JobIdsPage> {
  const { limit, offset = 0, order = 'desc', sort = 'createdAt', lookAt = Number.POSITIVE_INFINITY } = query
  const { sources, ids, where, total } = await planQuery(tables, query, Math.min(offset + limit + 1, MAX_AHEAD))
  const found: Position[] = []
  let matches = 0
  let waiting: Position[] = []
  let counted = 0
  let isExact = true
  let looked = 0
  /** The last job that was looked at, where no more may be. */
  let searchedTo: Position | null = null
  /** Where every match is loaded, they are read a few at a time until the page is full. */
  let readSize = Math.min(limit + 1, MAX_READ)

  function take(position: Position): void {
    matches += 1
    if (matches > offset && found.length <= limit) found.push(position)
  }
  async function look(): Promise<void> {
    const positions = waiting
    waiting = []
    readSize = Math.min(readSize * 2, MAX_READ)
    looked += positions.length
    await readJobs(tables, positions.map(idOf), (job, i) => {
      const position = positions[i]
      if (position !== undefined && where?.(job) === true) take(position)
    })
  }

  for await (const position of merged(sources, order)) {
    const id = idOf(position)
    if (id < ids.gte || id >= ids.lt) continue
    const isFull = found.length > limit
    if (isFull && total !== null) break
    if (isFull && counted >= MAX_COUNTED) {
      isExact = false
      break
    }
    if (isFull) counted += 1
    if (where === null) take(position)
    else if (waiting.push(position) >= readSize) await look()
    if (looked < lookAt || found.length > limit) continue
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
    searched: searchedTo === null ? null : looked,
  }
}
