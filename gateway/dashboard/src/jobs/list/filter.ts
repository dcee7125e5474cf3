import type { JobQuery, JobStatus } from '../../../../client/index.ts'
import { MAX_QUERY_TEXT, matchesJob } from '../../../../contract/job-filter.ts'
import { JOB_STATUSES } from '../../../../contract/job-status.ts'
import type { JobRow } from '../job-row.ts'

/** The orders that the table offers. */
export const SORTS = [
  'createdAt:desc',
  'createdAt:asc',
  'cost:desc',
  'duration:desc',
  'image:asc',
  'status:asc',
] as const satisfies readonly JobQuery['sort'][]
/** One of {@link SORTS}. */
export type JobSorting = (typeof SORTS)[number]

/** What the jobs table shows; the same as the page's address says. */
export interface JobFilter {
  status?: JobStatus[] | undefined
  q?: string | undefined
  provider?: string | undefined
  batch?: string | undefined
  /** `KEY=VALUE` */
  label?: string | undefined
  sort?: JobSorting | undefined
}

/** The filter in a page's address; what makes no sense is left out. */
export function filterOf(search: Record<string, unknown>): JobFilter {
  const status = [search.status].flat().flatMap((value) => String(value ?? '').split(','))
  const statuses = JOB_STATUSES.filter((known) => status.includes(known))
  const text = (name: string) => {
    const value = search[name]
    return (typeof value === 'string' || typeof value === 'number') && value !== ''
      ? String(value).slice(0, MAX_QUERY_TEXT)
      : undefined
  }
  const label = text('label')
  const filter: JobFilter = {
    status: statuses.length > 0 ? statuses : undefined,
    q: text('q'),
    provider: text('provider'),
    batch: text('batch'),
    label: label?.includes('=') ? label : undefined,
    sort: SORTS.find((sort) => sort === search.sort && sort !== SORTS[0]),
  }
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined))
}

/** The same as the API takes it. */
export function queryOf(filter: JobFilter): JobQuery {
  const { label, sort, status, q, provider, batch } = filter
  return {
    ...(status === undefined ? {} : { status }),
    ...(q === undefined ? {} : { q }),
    ...(provider === undefined ? {} : { provider }),
    ...(batch === undefined ? {} : { batch }),
    ...(sort === undefined ? {} : { sort }),
    ...(split(label).length === 0 ? {} : { labels: labelsOf(filter) }),
  }
}

/** Whether a job belongs in the list, by the rules that the gateway has. */
export function matches(job: JobRow, filter: JobFilter): boolean {
  return matchesJob(job, { ...filter, labels: labelsOf(filter) })
}

function labelsOf({ label }: JobFilter): Record<string, string> {
  const [key = '', value = ''] = split(label)
  return key === '' ? {} : { [key]: value }
}

function split(label: string | undefined): string[] {
  const at = label?.indexOf('=') ?? -1
  return label === undefined || at < 1 ? [] : [label.slice(0, at), label.slice(at + 1)]
}
