import type { JobQuery, JobStatus } from '../../../../client/index.ts'
import type { JobRow } from './apply-change.ts'

export const STATUSES: readonly JobStatus[] = ['pending', 'scheduled', 'running', 'completed', 'failed', 'cancelled']
export const SORTS = [
  'createdAt:desc',
  'createdAt:asc',
  'cost:desc',
  'duration:desc',
  'image:asc',
  'status:asc',
] as const
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

const MAX_TEXT = 200

/** The filter in a page's address; what makes no sense is left out. */
export function filterOf(search: Record<string, unknown>): JobFilter {
  const status = [search.status].flat().flatMap((value) => String(value ?? '').split(','))
  const statuses = STATUSES.filter((known) => status.includes(known))
  const text = (name: string) => {
    const value = search[name]
    return (typeof value === 'string' || typeof value === 'number') && value !== ''
      ? String(value).slice(0, MAX_TEXT)
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
export function queryOf({ label, sort, status, q, provider, batch }: JobFilter): JobQuery {
  const [key = '', value = ''] = split(label)
  return {
    ...(status === undefined ? {} : { status }),
    ...(q === undefined ? {} : { q }),
    ...(provider === undefined ? {} : { provider }),
    ...(batch === undefined ? {} : { batch }),
    ...(sort === undefined ? {} : { sort }),
    ...(key === '' ? {} : { labels: { [key]: value } }),
  }
}

/** Whether a job belongs in the list, by the rules that the gateway has. */
export function matches(job: JobRow, { label, status, q, provider, batch }: JobFilter): boolean {
  const [key = '', value = ''] = split(label)
  const { id, image = '', command = [], args = [], labels = {} } = job
  const text = [id, image, ...command, ...args, ...Object.entries(labels).flat()].join('\n').toLowerCase()
  return (
    (status === undefined || (job.status !== undefined && status.includes(job.status))) &&
    (q === undefined || text.includes(q.toLowerCase())) &&
    (provider === undefined || (provider === 'p2p' ? job.provider : job.assignedProvider) === provider) &&
    (batch === undefined || job.origin?.batch === batch) &&
    (key === '' || labels[key] === value)
  )
}

function split(label: string | undefined): string[] {
  const at = label?.indexOf('=') ?? -1
  return label === undefined || at < 1 ? [] : [label.slice(0, at), label.slice(at + 1)]
}
