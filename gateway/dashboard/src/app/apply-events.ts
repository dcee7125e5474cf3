import type { InfiniteData, QueryClient } from '@tanstack/react-query'
import type { GatewayEvent, Job, JobEvent, Page } from '../../../client/index.ts'
import type { JobRow } from '../jobs/job-row.ts'
import { applyToPages } from '../jobs/list/apply-change.ts'
import { type JobFilter, mayList } from '../jobs/list/filter.ts'
import { jobKeys } from '../jobs/queries.ts'

/** What only has to be asked for again is asked for this often at most, in ms. */
const REFRESH_MS = 1_500

interface JobChange {
  job: JobRow
  event: JobEvent
}

/** Brings what is shown up to date with what happened, without asking the gateway for jobs again. */
export function createEventApplier(queryClient: QueryClient): (events: GatewayEvent[]) => void {
  const outdated = new WeakSet<Promise<unknown>>()
  const due = new Map<string, ReturnType<typeof setTimeout>>()

  function refresh(key: string): void {
    if (due.has(key)) return
    const timer = setTimeout(() => {
      due.delete(key)
      void queryClient.invalidateQueries({ queryKey: [key] })
    }, REFRESH_MS)
    due.set(key, timer)
  }

  /** An answer that is under way may have been written before what happened now: then it is asked for once more. */
  function askAgain(queryKey: readonly unknown[], isMeant: (own: readonly unknown[]) => boolean = () => true): void {
    for (const { queryKey: own, promise } of queryClient
      .getQueryCache()
      .findAll({ queryKey, fetchStatus: 'fetching' })) {
      if (promise === undefined || outdated.has(promise) || !isMeant(own)) continue
      outdated.add(promise)
      const again = () => void queryClient.invalidateQueries({ queryKey: own, exact: true })
      promise.then(again, again)
    }
  }

  return (events) => {
    const changes: JobChange[] = []
    for (const { type, data } of events) {
      if (type.startsWith('provider.')) refresh('providers')
      else if (isChange(data)) changes.push(data)
    }
    if (changes.length === 0) return
    askAgain(jobKeys.lists, ([, , filter]) => changes.some(({ job }) => mayList(job, filter as JobFilter)))
    for (const { job, event } of changes) {
      askAgain(jobKeys.one(job.id))
      queryClient.setQueryData<Job>(jobKeys.one(job.id), (old) => old && withChange(old, job, event))
      if (['scheduled', 'lost', 'failed', 'bidding'].includes(event.type)) {
        void queryClient.invalidateQueries({ queryKey: jobKeys.bids(job.id) })
      }
      if (job.origin?.batch !== undefined) refresh('batches')
      if (job.origin?.schedule !== undefined) refresh('schedules')
      if (event.type === 'scheduled' || job.endedAt) refresh('providers')
    }
    const rows = changes.map(({ job }) => job)
    const lists = queryClient.getQueriesData<InfiniteData<Page<JobRow>, string | undefined>>({
      queryKey: jobKeys.lists,
    })
    for (const [key, data] of lists) {
      if (data !== undefined) queryClient.setQueryData(key, applyToPages(data, rows, key[2] as JobFilter))
    }
    refresh('costs')
  }
}

function isChange(data: Record<string, unknown>): data is Record<string, unknown> & JobChange {
  return typeof data.job === 'object' && data.job !== null && typeof data.event === 'object' && data.event !== null
}

function withChange(old: Job, job: JobRow, event: JobEvent): Job {
  const events = old.events ?? []
  const isNew = event.seq > (events.at(-1)?.seq ?? 0)
  return { ...old, ...job, events: isNew ? [...events, event] : events } as Job
}
