import type { z } from 'zod'
import type { Clock } from '../../node/clock.ts'
import type { Directory } from '../../node/directory/index.ts'
import type { Requester } from '../../node/market/index.ts'
import type { BidRecord, JobEvent, JobRecord, LogRecord } from '../../node/store/index.ts'
import { leaseOf } from '../../node/store/records.ts'
import * as views from '../../node/views/job-view.ts'
import { isoTime } from '../../node/views/time.ts'
import { termsOf, usdNumber } from '../../protocol/money.ts'
import type { bidSchema, JobView, jobEventSchema, logLineSchema } from '../contract/jobs.ts'

/** A job as the API shows it. */
export function jobView(job: JobRecord, directory: Pick<Directory, 'list'>): JobView {
  return views.jobView(job, directory)
}

/**
 * The same, and while it waits why.
 * @param fields those that are shown: what reads the whole directory is not worked out for others. @default all
 */
export function waitingJobView(
  job: JobRecord,
  { directory, requester, clock }: WaitingComponents,
  fields?: string[],
): JobView {
  const isShown = (name: keyof JobView): boolean => fields?.includes(name) ?? true
  const view = views.jobView(job, isShown('cost') ? directory : NOBODY)
  const waiting = job.state.status === 'pending' && isShown('waiting') ? requester.waiting(job) : null
  if (waiting === null) return view
  const { leftMs, answered, nearest } = waiting
  const givesUpAt = isoTime(clock.nowMs() + leftMs)
  return {
    ...view,
    waiting: { givesUpAt, answered, nearest: nearest === null ? null : views.failureView(nearest, job.spec) },
  }
}

/** In place of a directory that nothing is to be read from. */
const NOBODY: Pick<Directory, 'list'> = { list: () => [] }

/** What {@link waitingJobView} works with. */
export interface WaitingComponents {
  directory: Pick<Directory, 'list'>
  requester: Pick<Requester, 'waiting'>
  clock: Pick<Clock, 'nowMs'>
}

/** An entry of a job’s history as the API shows it. */
export function eventView(event: JobEvent): z.input<typeof jobEventSchema> {
  return views.eventView(event)
}

/** A bid or decline as the API shows it, its prices in dollars. */
export function bidView(bid: BidRecord): z.input<typeof bidSchema> {
  const { timestampMs, pricePerHour, minimumCharge, pricePerGb, volumePerGbHour, waitMs, ...rest } = bid
  const { gpu = null, platform = null, emulated = false, isolation = null, missingBytes = null } = bid
  const stored = { minimumCharge: minimumCharge ?? '0', pricePerGb: pricePerGb ?? '0' }
  const kept = { volumePerGbHour: volumePerGbHour ?? '0' }
  const terms = pricePerHour === null ? null : termsOf({ pricePerHour, ...stored, ...kept })
  return {
    ...rest,
    ...{ gpu, platform, emulated, isolation, missingBytes },
    waitSeconds: waitMs === undefined ? null : waitMs / 1_000,
    timestamp: isoTime(timestampMs),
    price: terms === null ? null : usdNumber(terms.pricePerHour),
    minimumCharge: terms === null ? null : usdNumber(terms.minimumCharge),
    pricePerGb: terms === null ? null : usdNumber(terms.pricePerGb),
    volumePerGbHour: terms === null ? null : usdNumber(terms.volumePerGbHour),
  }
}

/** A line of a log as the API shows it; its number is not part of it. */
export function logView(record: LogRecord): z.input<typeof logLineSchema> {
  const { timestampMs, line, stream, partial, base64, attempt } = record
  const odd = { ...(partial && { partial }), ...(base64 !== undefined && { base64 }) }
  return { timestamp: isoTime(timestampMs), line, stream, ...odd, ...(attempt > 1 && { attempt }) }
}

/** Attempt, lease and limits without secrets: for people who look for a fault. */
export function debugView(job: JobRecord): NonNullable<JobView['debug']> {
  const { attempt, fence, pastLeases, logs, state } = job
  return {
    attempt,
    fence,
    lease: leaseView(job),
    pastLeases: pastLeases.map((lease) => ({ ...lease })),
    excluded: state.status === 'pending' ? state.excluded : [],
    logs: { lines: logs.lines, bytes: logs.bytes, first: logs.first },
  }
}

function leaseView(job: JobRecord): Record<string, unknown> | null {
  const lease = leaseOf(job) ?? (job.state.status === 'pending' ? job.state.award : null)
  return lease === null ? null : { ...lease, receipt: undefined }
}
