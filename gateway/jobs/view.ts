import type { z } from 'zod'
import type { Directory } from '../../node/directory/index.ts'
import type { BidRecord, JobEvent, JobRecord, LogRecord } from '../../node/store/index.ts'
import { leaseOf } from '../../node/store/records.ts'
import * as views from '../../node/views/job-view.ts'
import { termsOf, usdNumber } from '../../protocol/money.ts'
import { isoTime } from '../time.ts'
import type { bidSchema, JobView, jobEventSchema, logLineSchema } from './schemas.ts'

/** A job as the API shows it. */
export function jobView(job: JobRecord, directory: Pick<Directory, 'list'>): JobView {
  return views.jobView(job, directory)
}

export function eventView(event: JobEvent): z.input<typeof jobEventSchema> {
  return views.eventView(event)
}

export function bidView(bid: BidRecord): z.input<typeof bidSchema> {
  const { timestampMs, pricePerHour, minimumCharge: _, ...rest } = bid
  const terms = pricePerHour === null ? null : termsOf({ pricePerHour, minimumCharge: bid.minimumCharge ?? '0' })
  return {
    ...rest,
    timestamp: isoTime(timestampMs),
    price: terms === null ? null : usdNumber(terms.pricePerHour),
    minimumCharge: terms === null ? null : usdNumber(terms.minimumCharge),
  }
}

export function logView(record: LogRecord): z.input<typeof logLineSchema> {
  const { timestampMs, line, stream, partial } = record
  return { timestamp: isoTime(timestampMs), line, stream, ...(partial ? { partial } : {}) }
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
