import { safeNumber } from '../../protocol/codec.ts'
import { exitFailure, type Failure, type FailureCode, failure, isFailureCode } from '../../protocol/failures.ts'
import type { Report, Report_Ended } from '../../protocol/gen/cortex/v1/market_pb.js'
import { isTerminal } from '../../protocol/lifecycle.ts'
import { MAX_DURATION_SECONDS, MAX_LOG_LINE_BYTES } from '../../protocol/limits.ts'
import { meteredSeconds } from '../../protocol/money.ts'
import { WireError } from '../../protocol/wire-error.ts'
import type { JobOutput } from '../outputs/index.ts'
import type { JobDraft, JobRecord, Lease } from '../store/index.ts'
import { leaseOf } from '../store/records.ts'

/** Events that reports may add to one job: a provider must not fill its requester's disk. */
const MAX_REPORTED_EVENTS = 2_000

/** How far from the requester's clock a sample's time is believed, in ms. */
const SAMPLE_TIME_RANGE_MS = 24 * 60 * 60 * 1000

/** What becomes of a job when its lease is over. */
export type Settlement = 'final' | 'retry'

/** What was checked of the last report before it is applied; see `receipts.ts`. */
export interface CheckedEnd {
  /** The run time that is paid for, in ms. */
  meteredMs: number
  receipt: Lease['receipt']
  /** What the receipt says, in nano-dollars as text; absent without one. */
  minimumCharge?: string
}

/**
 * Applies one report of the current lease to its job, once: the number of the last one is kept in the same batch.
 * Reports come from a stranger: one that makes no sense for the job's state is refused as a whole.
 *
 * @throws {WireError} for a gap in the numbers, or a report that cannot be
 */
export function applyReport(draft: JobDraft, report: Report, end: CheckedEnd | null): void {
  const lease = requireLease(draft.job)
  const sequence = safeNumber(report.sequence, 'sequence')
  if (sequence <= lease.lastReport) return
  // A provider whose journal was full says with one report that several are gone.
  const first = report.firstSequence === 0n ? sequence : safeNumber(report.firstSequence, 'first_sequence')
  if (first > lease.lastReport + 1) throw new WireError('INVALID_FIELD', `Report ${first} after ${lease.lastReport}`)
  refineLease(draft, { lastReport: sequence })
  const { content } = report
  switch (content.case) {
    case 'pulling': {
      const { image, layersDone, layersTotal, bytesDone, bytesTotal } = content.value
      const bytes = { bytesDone: Number(bytesDone), bytesTotal: Number(bytesTotal) }
      if (draft.job.lastEvent < MAX_REPORTED_EVENTS) {
        draft.event('pulling', { image: image.slice(0, 512), layersDone, layersTotal, ...bytes })
      }
      return
    }
    case 'started':
      started(draft, believedTime(draft, Number(content.value.startedAtMs)), content.value.imageDigest)
      return
    case 'logs': {
      const lines = content.value.lines.map(({ timestampMs, line, stderr, partial }) => ({
        timestampMs: Number(timestampMs),
        stream: stderr ? ('stderr' as const) : ('stdout' as const),
        line: line.slice(0, MAX_LOG_LINE_BYTES),
        partial,
      }))
      draft.logs(safeNumber(content.value.firstLine, 'first_line'), lines)
      return
    }
    case 'stats': {
      const { timestampMs, cpuMillis, memoryBytes, rxBytes, txBytes, storageBytes } = content.value
      draft.metric({
        timestampMs: sampleTime(draft, Number(timestampMs)),
        cpuMillis,
        memoryBytes: Number(memoryBytes),
        rxBytes: Number(rxBytes),
        txBytes: Number(txBytes),
        storageBytes: storageBytes === undefined ? null : Number(storageBytes),
      })
      return
    }
    case 'expired':
      if (draft.job.lastEvent < MAX_REPORTED_EVENTS) draft.event('expired')
      return
    case 'extended':
      draft.patch({ durationSeconds: Math.min(content.value.durationSeconds, MAX_DURATION_SECONDS) })
      if (draft.job.lastEvent < MAX_REPORTED_EVENTS) draft.event('extended', { duration: draft.job.durationSeconds })
      return
    case 'ended':
      ended(draft, content.value, end)
      return
    default:
      throw new WireError('MALFORMED', 'A report without content')
  }
}

/** A provider's clock is its own affair: nothing of a job happens before what came before it, or later than now. */
function believedTime({ job: { state }, nowMs }: JobDraft, timeMs: number): number {
  const earliestMs = 'startedAtMs' in state ? state.startedAtMs : 'scheduledAtMs' in state ? state.scheduledAtMs : null
  return Math.max(earliestMs ?? 0, Math.min(timeMs, nowMs))
}

/** Whole seconds near the requester's own time, so that samples are no more than seconds. */
function sampleTime(draft: JobDraft, timestampMs: number): number {
  const near = Math.max(draft.nowMs - SAMPLE_TIME_RANGE_MS, Math.min(timestampMs, draft.nowMs + SAMPLE_TIME_RANGE_MS))
  return Math.floor(near / 1000) * 1000
}

/** Moves a job whose lease is over without a last report: its provider is lost, or took its word back. */
export function loseLease(draft: JobDraft, outcome: 'lost' | 'refused', why: Failure, waitOutMs: number): Settlement {
  return endAttempt(draft, outcome, { failure: why, exitCode: null, mayRetry: true, by: 'requester', waitOutMs })
}

function started(draft: JobDraft, startedAtMs: number, imageDigest: string): void {
  const { state } = draft.job
  if (state.status !== 'scheduled') throw new WireError('INVALID_FIELD', `Started, but the job is ${state.status}`)
  const { scheduledAtMs } = state
  const lease = { ...state.lease, imageDigest: imageDigest.slice(0, 256) }
  draft.transition({
    expect: ['scheduled'],
    to: { status: 'running', lease, scheduledAtMs, startedAtMs },
    by: 'provider',
    event: 'started',
    data: { provider: lease.provider, imageDigest: lease.imageDigest },
  })
}

function ended(draft: JobDraft, report: Report_Ended, end: CheckedEnd | null): void {
  refineLease(draft, { settled: true, ...(end === null ? {} : end) })
  const { state } = draft.job
  const exitCode = report.exitCode ?? null
  const endedAtMs = believedTime(draft, Number(report.endedAtMs))
  const mayRetry = draft.job.cancelRequestedAtMs === null
  if (report.outcome === 'exited' && state.status !== 'running') {
    throw new WireError('INVALID_FIELD', `An exit, but the job is ${state.status}`)
  }
  if (report.outcome === 'exited' && state.status === 'running' && exitCode === 0) {
    const { lease, scheduledAtMs, startedAtMs } = state
    draft.transition({
      expect: ['running'],
      to: { status: 'completed', lease, scheduledAtMs, startedAtMs, endedAtMs, exitCode },
      by: 'provider',
      event: 'completed',
      data: { exitCode },
    })
  } else if (report.outcome === 'exited' && exitCode !== null) {
    const retry = mayRetry && draft.job.spec.retryOnFailure
    endAttempt(draft, 'failed', { failure: exitFailure(exitCode), exitCode, mayRetry: retry, by: 'provider' })
  } else if (report.outcome === 'cancelled' && draft.job.cancelRequestedAtMs !== null) {
    cancelled(draft, exitCode, endedAtMs)
  } else {
    const why = reportedFailure(report)
    const retry = mayRetry && (isProvidersFault(why) || draft.job.spec.retryOnFailure)
    endAttempt(draft, 'failed', { failure: why, exitCode, mayRetry: retry, by: 'provider' })
  }
  // Another attempt begins anew, and leaves outputs of its own.
  const isOver = isTerminal(draft.job.state.status)
  if (draft.job.spec.outputs !== undefined && isOver) draft.patch({ output: outputOf(report) })
}

/** The user’s wish is met: the container has stopped, or there never was one. */
export function cancelled(draft: JobDraft, exitCode: number | null, endedAtMs: number): void {
  const { state } = draft.job
  draft.transition({
    expect: ['pending', 'scheduled', 'running'],
    to: {
      status: 'cancelled',
      lease: leaseOf(draft.job),
      scheduledAtMs: 'scheduledAtMs' in state ? state.scheduledAtMs : null,
      startedAtMs: 'startedAtMs' in state ? state.startedAtMs : null,
      endedAtMs,
      exitCode,
    },
    by: 'user',
    event: 'cancelled',
  })
}

interface AttemptEnd {
  failure: Failure
  exitCode: number | null
  mayRetry: boolean
  by: 'requester' | 'provider'
  waitOutMs?: number
}

function endAttempt(draft: JobDraft, outcome: 'lost' | 'refused' | 'failed', end: AttemptEnd): Settlement {
  const { job } = draft
  const lease = requireLease(job)
  const data = { provider: lease.provider, attempt: job.attempt, code: end.failure.code, message: end.failure.message }
  if (end.mayRetry && job.attempt < job.spec.maxAttempts) {
    const { fence, provider, pricePerHour, minimumCharge = '0', meteredMs, lastReport, settled, receipt } = lease
    const past = { attempt: job.attempt, fence, provider, pricePerHour, minimumCharge, meteredMs, outcome }
    draft.transition({
      expect: ['scheduled', 'running'],
      to: { status: 'pending', award: null, waitOutMs: end.waitOutMs ?? 0, excluded: [provider] },
      by: end.by,
      event: 'lost',
      data,
    })
    draft.patch({
      attempt: job.attempt + 1,
      // What was granted to this attempt is asked for the next one from the start.
      spec: { ...job.spec, duration: job.durationSeconds },
      pastLeases: [...job.pastLeases, { ...past, lastReport, settled, receipt }],
    })
    draft.newLogOffset()
    return 'retry'
  }
  const { state } = job
  if (outcome !== 'failed') draft.event('lost', data)
  draft.transition({
    expect: ['scheduled', 'running'],
    to: {
      status: 'failed',
      failure: end.failure,
      lease,
      scheduledAtMs: 'scheduledAtMs' in state ? state.scheduledAtMs : null,
      startedAtMs: 'startedAtMs' in state ? state.startedAtMs : null,
      endedAtMs: draft.nowMs,
      exitCode: end.exitCode,
    },
    by: end.by,
    event: 'failed',
    data: { ...data, meteredSeconds: meteredSeconds(lease.meteredMs) },
  })
  return 'final'
}

function outputOf({ outputBytes, outputProblem }: Report_Ended): JobOutput {
  if (outputBytes !== undefined) return { state: 'waiting', bytes: Number(outputBytes), message: '' }
  const message = outputProblem === '' ? 'The container did not run to its end' : outputProblem
  return { state: 'lost', bytes: 0, message }
}

function reportedFailure(report: Report_Ended): Failure {
  const code: FailureCode = isFailureCode(report.failureCode) ? report.failureCode : 'INTERNAL'
  const details = Object.fromEntries(
    Object.entries(report.details)
      .slice(0, 16)
      .map(([name, value]) => [name.slice(0, 64), value.slice(0, 1024)]),
  )
  const message = report.message === '' ? undefined : report.message.slice(0, 1024)
  return failure(code, message, details)
}

/** Failures that another provider might not have. */
export function isProvidersFault({ code, details }: Failure): boolean {
  if (code === 'IMAGE_PULL_ERROR') return details.reason === 'no-space'
  return code === 'NETWORK_ERROR' || code === 'INTERNAL'
}

function requireLease(job: Readonly<JobRecord>): Lease {
  const { state } = job
  if (state.status !== 'scheduled' && state.status !== 'running') {
    throw new WireError('INVALID_FIELD', `A report for a job that is ${state.status}`)
  }
  return state.lease
}

export function refineLease(draft: JobDraft, fields: Partial<Lease>): void {
  const { state } = draft.job
  if (state.status !== 'scheduled' && state.status !== 'running') return
  draft.refine(state.status, { lease: { ...state.lease, ...fields } })
}
