import type { JobPage, JobQuery } from '../index.ts'
import type { JobRecord } from '../records.ts'
import type { Tables } from '../tables.ts'
import { planQuery } from './plan.ts'
import { idOf, merged, type Position } from './sources.ts'

/** Jobs looked at to count those that match where no counter knows. */
const MAX_COUNTED = 10_000
/** Records read at a time. */
const MAX_READ = 500
/** Jobs passed over at a time. */
const MAX_AHEAD = 1_000

export async function listJobs(tables: Tables, query: JobQuery): Promise<JobPage> {
  const { limit, offset = 0, order = 'desc', sort = 'createdAt' } = query
  const { sources, ids, where, total } = await planQuery(tables, query, Math.min(offset + limit + 1, MAX_AHEAD))
  const found: { position: Position; job: JobRecord | null }[] = []
  let matches = 0
  let waiting: Position[] = []
  let counted = 0
  let isExact = true
  /** Where every match is loaded, they are read a few at a time until the page is full. */
  let readSize = Math.min(limit + 1, MAX_READ)

  function take(position: Position, job: JobRecord | null): void {
    matches += 1
    if (matches > offset && found.length <= limit) found.push({ position, job })
  }
  async function look(): Promise<void> {
    const positions = waiting
    waiting = []
    readSize = Math.min(readSize * 2, MAX_READ)
    const jobs = await tables.jobs.getMany(positions.map(idOf))
    positions.forEach((position, i) => {
      const job = jobs[i]
      if (job !== undefined && where?.(job) === true) take(position, job)
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
    if (where === null) take(position, null)
    else if (waiting.push(position) >= readSize) await look()
  }
  if (waiting.length > 0) await look()

  const page = found.slice(0, limit)
  const missing = page.filter(({ job }) => job === null)
  const read = await tables.jobs.getMany(missing.map(({ position }) => idOf(position)))
  missing.forEach((entry, i) => {
    entry.job = read[i] ?? null
  })
  const last = page.at(-1)?.position
  return {
    jobs: page.flatMap(({ job }) => job ?? []),
    total: total ?? matches,
    isExact,
    hasMore: found.length > limit,
    next: last === undefined ? null : sort === 'createdAt' ? idOf(last) : last,
  }
}
