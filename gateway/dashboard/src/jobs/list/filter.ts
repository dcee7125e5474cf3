import type { JobQuery, JobStatus } from '../../../../client/index.ts'
import { MAX_QUERY_TEXT, matchesJob } from '../../../../contract/job-filter.ts'
import type { JobListQuery } from '../../../../contract/job-list.ts'
import { JOB_STATUSES } from '../../../../contract/job-status.ts'
import type { JobRow } from '../job-row.ts'

/** What the gateway can list jobs by. */
export type SortField = JobListQuery['sort']['field']

/** What jobs can be listed by, as people call it. */
export const SORT_WORDS = {
  createdAt: 'Created',
  scheduledAt: 'Scheduled',
  startedAt: 'Started',
  endedAt: 'Ended',
  status: 'Status',
  image: 'Image',
  provider: 'Provider asked for',
  cpu: 'CPU',
  memory: 'Memory',
  storage: 'Storage',
  gpu: 'GPUs',
  duration: 'Longest duration',
  cost: 'Cost',
} satisfies Record<SortField, string>
/** An order of the list. */
export type JobSorting = `${SortField}:${'asc' | 'desc'}`
/** The order of a list that asks for none. */
export const FIRST_SORT = 'createdAt:desc' satisfies JobSorting

/** What the jobs table shows; the same as the page's address says. */
export interface JobFilter {
  status?: JobStatus[] | undefined
  q?: string | undefined
  provider?: string | undefined
  batch?: string | undefined
  owner?: string | undefined
  /** Each `KEY=VALUE`; all of them. */
  label?: string[] | undefined
  /** Days of the viewer, `2026-11-28`: created on or after the first, on or before the second. */
  from?: string | undefined
  to?: string | undefined
  /** Whether all jobs of a batch are one row: they are, unless it says no. */
  fold?: false | undefined
  sort?: JobSorting | undefined
}

/** Labels that are asked for at once. */
const MOST_LABELS = 10

/** The filter in a page's address; what makes no sense is left out. */
export function filterOf(search: Record<string, unknown>): JobFilter {
  const status = [search.status].flat().flatMap((value) => String(value ?? '').split(','))
  const statuses = JOB_STATUSES.filter((known) => status.includes(known))
  const textOf = (value: unknown) =>
    (typeof value === 'string' || typeof value === 'number') && value !== ''
      ? String(value).slice(0, MAX_QUERY_TEXT)
      : undefined
  const text = (name: string) => textOf(search[name])
  const day = (name: string) => (dayMs(text(name)) === null ? undefined : text(name))
  const labels = [search.label].flat().flatMap((label) => textOf(label) ?? [])
  const known = [...new Set(labels.filter((label) => label.indexOf('=') > 0))].slice(0, MOST_LABELS)
  const filter: JobFilter = {
    status: statuses.length > 0 ? statuses : undefined,
    q: text('q'),
    provider: text('provider'),
    batch: text('batch'),
    owner: text('owner'),
    label: known.length > 0 ? known : undefined,
    from: day('from'),
    to: day('to'),
    fold: search.fold === false ? false : undefined,
    sort: sortOf(search.sort),
  }
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined))
}

function sortOf(value: unknown): JobSorting | undefined {
  const [, field = '', order] = /^(\w+):(asc|desc)$/.exec(String(value)) ?? []
  if (!Object.hasOwn(SORT_WORDS, field) || value === FIRST_SORT) return undefined
  return `${field as SortField}:${order as 'asc' | 'desc'}`
}

/** Whether it shows fewer than all jobs. */
export function isNarrowed({ sort: _sort, fold: _fold, ...rest }: JobFilter): boolean {
  return Object.values(rest).some((value) => value !== undefined)
}

/** Whether all jobs of a batch are one row; never where only those of one are asked for. */
export function isFolded({ fold, batch }: JobFilter): boolean {
  return fold !== false && batch === undefined
}

/** The batch for which a job stands in a list; undefined where it stands for itself. */
export function batchOf({ origin }: Pick<JobRow, 'origin'>, filter: JobFilter): string | undefined {
  return isFolded(filter) ? origin?.batch : undefined
}

/** The same as the API takes it. */
export function queryOf(filter: JobFilter): JobQuery {
  const { label, sort, status, q, provider, batch, owner, from, to } = filter
  const [fromMs, toMs] = [dayMs(from), dayMs(to, 1)]
  return {
    ...(status === undefined ? {} : { status }),
    ...(q === undefined ? {} : { q }),
    ...(provider === undefined ? {} : { provider }),
    ...(batch === undefined ? {} : { batch }),
    ...(isFolded(filter) ? { fold: true } : {}),
    ...(owner === undefined ? {} : { owner }),
    ...(fromMs === null ? {} : { from: new Date(fromMs) }),
    ...(toMs === null ? {} : { to: new Date(toMs - 1) }),
    ...(sort === undefined ? {} : { sort }),
    ...(label === undefined ? {} : { labels: labelsOf(filter) }),
  }
}

/** Whether a job belongs in the list, by the rules that the gateway has. */
export function matches(job: JobRow, filter: JobFilter): boolean {
  const { from, to } = filter
  const createdMs = Date.parse(job.createdAt ?? '')
  const [fromMs, toMs] = [dayMs(from), dayMs(to, 1)]
  return (
    (fromMs === null || createdMs >= fromMs) &&
    (toMs === null || createdMs < toMs) &&
    matchesJob(job, { ...filter, labels: labelsOf(filter) })
  )
}

/** Whether a list has the job, had it, or may come to have it: by what of a job never changes. */
export function mayList(job: JobRow, filter: JobFilter): boolean {
  const { batch, owner, from, to } = filter
  return matches(job, { batch, owner, from, to })
}

function labelsOf({ label = [] }: JobFilter): Record<string, string> {
  return Object.fromEntries(
    label.map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)] as const),
  )
}

/** When a day of the viewer begins, in ms; null where it is none. @param later so many days after it */
export function dayMs(day: string | undefined, later = 0): number | null {
  const [, year, month, date] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(day ?? '') ?? []
  if (year === undefined) return null
  const ms = new Date(Number(year), Number(month) - 1, Number(date) + later).getTime()
  return Number.isNaN(ms) ? null : ms
}
