import type { InfiniteData } from '@tanstack/react-query'
import type { Page } from '../../../../client/index.ts'
import type { JobRow } from '../job-row.ts'
import { batchOf, type JobFilter, matches } from './filter.ts'

type Pages = InfiniteData<Page<JobRow>, string | undefined>

/**
 * The loaded pages with jobs as they are now: changed in place, gone where they no longer match, new ones on top where
 * the newest come first. In another order a new job has no place that is known, and shows when the list is loaded again.
 * The row of a batch is that of its newest job, and stays: others of the batch may still match.
 */
export function applyToPages(data: Pages, jobs: JobRow[], filter: JobFilter): Pages {
  const latest = new Map(jobs.map((job) => [job.id, job]))
  const newest = data.pages[0]?.items[0]?.id ?? ''
  let gone = 0
  const pages = data.pages.map((page) => {
    if (!page.items.some(({ id }) => latest.has(id))) return page
    const items = page.items.flatMap((row) => {
      const job = latest.get(row.id)
      if (job === undefined) return [row]
      latest.delete(row.id)
      if (matches(job, filter) || batchOf(row, filter) !== undefined) return [{ ...row, ...job }]
      gone += 1
      return []
    })
    return { ...page, items }
  })
  const fresh = [...latest.values()]
    .filter((job) => filter.sort === undefined && job.id > newest && matches(job, filter))
    .toSorted((a, b) => (a.id < b.id ? 1 : -1))
  const change = fresh.length - gone
  const all = fresh.length === 0 ? pages : withRows(pages, fresh, filter)
  return {
    ...data,
    pages: change === 0 ? all : all.map((page) => ({ ...page, pagination: changed(page.pagination, change) })),
  }
}

/**
 * The rows of the loaded pages, each once. A batch has another one on a later page where the job that it had its row for no
 * longer matched as that was asked for, and a job where its place changed.
 */
export function rowsOf({ pages }: Pick<Pages, 'pages'>, filter: JobFilter): JobRow[] {
  const rows = new Map<string, JobRow>()
  for (const { items } of pages) {
    for (const row of items) {
      const key = batchOf(row, filter) ?? row.id
      if (!rows.has(key)) rows.set(key, row)
    }
  }
  return [...rows.values()]
}

/** Rows of these jobs on top, in place of those that their batches have so far. */
function withRows(pages: Page<JobRow>[], jobs: JobRow[], filter: JobFilter): Page<JobRow>[] {
  const ofBatch = new Map(jobs.toReversed().map((job) => [batchOf(job, filter), job]))
  const added = jobs.filter((job) => batchOf(job, filter) === undefined || ofBatch.get(batchOf(job, filter)) === job)
  const told = new Map<string | undefined, JobRow['batch']>()
  const others = pages.map((page) => {
    const items = page.items.filter((row) => {
      const batch = batchOf(row, filter)
      if (batch === undefined || !ofBatch.has(batch)) return true
      told.set(batch, row.batch)
      return false
    })
    return items.length === page.items.length ? page : { ...page, items }
  })
  const rows = added.map((job) => {
    const batch = told.get(batchOf(job, filter))
    return batch === undefined ? job : { ...job, batch }
  })
  return others.map((page, index) => (index === 0 ? { ...page, items: [...rows, ...page.items] } : page))
}

function changed(pagination: Page<JobRow>['pagination'], by: number): Page<JobRow>['pagination'] {
  return { ...pagination, total: Math.max(0, pagination.total + by) }
}
