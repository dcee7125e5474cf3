import { assertTransition } from '../../../protocol/lifecycle.ts'
import { type JobDraft, JobStateError } from '../index.ts'
import type { JobEvent, JobRecord, JobState } from '../records.ts'
import { loggedSize } from '../stored-lines.ts'
import { key, type LogChunk, type Tables } from '../tables.ts'
import { type Operation, put } from '../writer.ts'

/** Output kept of one job, in bytes; beyond it the oldest batches go. */
const MAX_LOG_BYTES_PER_JOB = 256 * 1024 * 1024

/** What a draft has gathered; see {@link JobDraft} for the writing side. */
export interface Gathered {
  job: JobRecord
  events: JobEvent[]
  operations: Operation[]
  durable: boolean
  /** Batches to drop are looked for where the log grew beyond its bound. */
  trimLogs: boolean
}

/** A draft over a copy: the stored record stays as it is until the batch is written. */
export function createDraft(
  stored: JobRecord,
  tables: Tables,
  nowMs: number,
): { draft: JobDraft; gathered: () => Gathered } {
  let job = stored
  let durable = false
  let trimLogs = false
  const events: JobEvent[] = []
  const operations: Operation[] = []

  const draft: JobDraft = {
    nowMs,
    get job() {
      return job
    },
    transition({ expect, to, by, event, data }) {
      if (!expect.includes(job.state.status)) throw new JobStateError(job.state.status, expect)
      assertTransition(job.state.status, to.status, by)
      job = { ...job, state: to }
      draft.event(event, data)
    },
    refine(status, fields) {
      if (job.state.status !== status) throw new JobStateError(job.state.status, [status])
      job = { ...job, state: { ...job.state, ...fields } as JobState }
    },
    patch(fields) {
      job = { ...job, ...fields }
    },
    event(type, data = {}) {
      const event = { seq: job.lastEvent + 1, type, timestampMs: nowMs, data }
      job = { ...job, lastEvent: event.seq }
      events.push(event)
      operations.push(put(tables.events, key(job.id, event.seq), event))
    },
    logs(firstLine, lines) {
      const { logs } = job
      const have = logs.lines - logs.offset
      const fresh = lines.slice(Math.max(0, have + 1 - firstLine))
      if (fresh.length === 0) return
      const number = logs.offset + Math.max(firstLine, have + 1)
      const chunk: LogChunk = { attempt: job.attempt, lines: fresh }
      const bytes = fresh.reduce((sum, line) => sum + loggedSize(line), 0)
      operations.push(put(tables.logs, key(job.id, number), chunk))
      job = { ...job, logs: { ...logs, lines: number + fresh.length - 1, bytes: logs.bytes + bytes } }
      trimLogs ||= job.logs.bytes > MAX_LOG_BYTES_PER_JOB
    },
    forgetLogs() {
      const { lines } = job.logs
      job = { ...job, logs: { ...job.logs, first: lines + 1, bytes: 0 } }
      return lines
    },
    metric(sample) {
      operations.push(put(tables.metrics, key(job.id, sample.timestampMs), sample))
    },
    bid(bid) {
      operations.push(put(tables.bids, key(job.id, bid.attempt, bid.provider), bid))
    },
    newLogOffset() {
      job = { ...job, logs: { ...job.logs, offset: job.logs.lines } }
    },
    continueLogs(offset) {
      job = { ...job, logs: { ...job.logs, offset } }
    },
    durable() {
      durable = true
    },
  }

  return {
    draft,
    gathered: () => {
      if (job !== stored) operations.push(put(tables.jobs, job.id, job))
      return { job, events, operations, durable, trimLogs }
    },
  }
}
