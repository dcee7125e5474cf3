import type { InfiniteData } from '@tanstack/react-query'
import type { Page } from '../../../../client/index.ts'
import type { JobRow } from '../job-row.ts'
import { type JobFilter, matches } from './filter.ts'

type Pages = InfiniteData<Page<JobRow>, string | undefined>

/**
 * The loaded pages with jobs as they are now: changed in place, gone where they no longer match, new ones on top where
 * the newest come first. In another order a new job has no place that is known, and shows when the list is loaded again.
 */
export function applyToPages(data: Pages, jobs: JobRow[], filter: JobFilter): Pages {
  const latest = new Map(jobs.map((job) => [job.id, job]))
  let gone = 0
  const pages = data.pages.map((page) => {
    if (!page.items.some(({ id }) => latest.has(id))) return page
    const items = page.items.flatMap((row) => {
      const job = latest.get(row.id)
      if (job === undefined) return [row]
      latest.delete(row.id)
      if (matches(job, filter)) return [{ ...row, ...job }]
      gone += 1
      return []
    })
    return { ...page, items }
  })
  const newest = pages[0]?.items[0]?.id ?? ''
  const added = [...latest.values()]
    .filter((job) => filter.sort === undefined && job.id > newest && matches(job, filter))
    .toSorted((a, b) => (a.id < b.id ? 1 : -1))
  const [first, ...rest] = pages
  if (first === undefined) return data
  const change = added.length - gone
  const all = added.length === 0 ? pages : [{ ...first, items: [...added, ...first.items] }, ...rest]
  return {
    ...data,
    pages: change === 0 ? all : all.map((page) => ({ ...page, pagination: changed(page.pagination, change) })),
  }
}

function changed(pagination: Page<JobRow>['pagination'], by: number): Page<JobRow>['pagination'] {
  return { ...pagination, total: Math.max(0, pagination.total + by) }
}
