import { safeNumber } from '../../../protocol/codec.ts'
import {
  exitFailure,
  type Failure,
  type FailureCode,
  type FailureDetails,
  failure,
  isFailureCode,
  kindOfFailure,
} from '../../../protocol/failures.ts'
import type { Report, Report_Ended } from '../../../protocol/gen/cortex/v1/market_pb.js'
import { type OutputsSpec, outputPaths } from '../../../protocol/job-outputs.ts'
import type { LeftOut } from '../../../protocol/left-out.ts'
import { isTerminal } from '../../../protocol/lifecycle.ts'
import { MAX_LOG_LINE_BYTES } from '../../../protocol/limits.ts'
import { meteredSeconds } from '../../../protocol/money.ts'
import { WireError } from '../../../protocol/wire-error.ts'
import { type JobOutput, leftOutEvent, lostOutput, notSent } from '../../outputs/index.ts'
import type { JobDraft, JobRecord, Lease, LostLease, ToldToRun } from '../../store/index.ts'
import { leaseOf } from '../../store/records.ts'
import { lineOf } from '../../store/stored-lines.ts'
import { believed, endTime, jobTime, offsetAfter } from './job-time.ts'
import type { CheckedEnd, Received } from './received.ts'
import { type Breach, breachOf, brokenOff, grantExtension } from './unasked.ts'

/** Events that reports may add to one job: a provider must not fill its requester's disk. */
const MAX_REPORTED_EVENTS = 2_000

/** Progress of a pull is kept no more often than this, in ms. */
const PROGRESS_MS = 400
/** The same of what a job brings. */
const TRANSFER_PROGRESS_MS = 900

const LACKING = 'what the job wrote between a backup and its restoration is missing'

/** What becomes of a job when its lease is over. */
export type Settlement = 'final' | 'retry'

/**
 * Applies one report of the current lease to its job, once: the number of the last one is kept in the same batch.
 * Reports come from a stranger: one that makes no sense for the job's state is refused as a whole. What only this peer may
 * cause, and has not, changes nothing.
 *
 * @returns what the provider did that it may not, to be counted against it; null for nothing
 * @throws {WireError} for a gap in the numbers, or a report that cannot be
 */
export function applyReport(draft: JobDraft, report: Report, received: Received): Breach | null {
  const lease = requireLease(draft.job)
  const sequence = safeNumber(report.sequence, 'sequence')
  if (sequence <= lease.lastReport) return null
  // A provider whose journal was full says with one report that several are gone.
  const first = report.firstSequence === 0n ? sequence : safeNumber(report.firstSequence, 'first_sequence')
  if (first > lease.lastReport + 1) {
    if (!isOfBackup(draft.job, received.restoredFromMs))
      throw new WireError('INVALID_FIELD', `Report ${first} after ${lease.lastReport}`)
    lacking(draft)
  }
  refineLease(draft, { lastReport: sequence, clockOffset: offsetAfter(draft, lease, report, received) })
  const breach = breachOf(draft.job, report, received)
  const { content } = report
  switch (content.case) {
    case 'pulling': {
      const { image, layersDone, layersTotal, bytesDone, bytesTotal } = content.value
      const bytes = { bytesDone: Number(bytesDone), bytesTotal: Number(bytesTotal) }
      const data = { image: image.slice(0, 512), layersDone, layersTotal, ...bytes }
      if (isNewProgress(draft, lease, PROGRESS_MS)) progressed(draft, 'pulling', data)
      return null
    }
    case 'transferring': {
      const { bytesDone, bytesTotal } = content.value
      const { inputs, sentImage } = draft.job
      const bringsAny = inputs !== undefined || sentImage !== undefined
      const isNews = bringsAny && isNewProgress(draft, lease, TRANSFER_PROGRESS_MS)
      if (isNews) progressed(draft, 'transferring', { bytesDone: Number(bytesDone), bytesTotal: Number(bytesTotal) })
      return null
    }
    case 'started':
      started(draft, jobTime(draft, Number(content.value.startedAtMs)), content.value.imageDigest, received.running)
      return null
    case 'logs': {
      const lines = content.value.lines.map(({ timestampMs, line, bytes, stderr, partial }) => ({
        timestampMs: jobTime(draft, Number(timestampMs)),
        stream: stderr ? ('stderr' as const) : ('stdout' as const),
        ...lineOf(line.slice(0, MAX_LOG_LINE_BYTES), bytes),
        partial,
      }))
      draft.logs(safeNumber(content.value.firstLine, 'first_line'), lines)
      return null
    }
    case 'stats': {
      const { timestampMs, cpuMillis, memoryBytes, rxBytes, txBytes, storageBytes, gpuMillis, gpuMemoryBytes } =
        content.value
      // Whole seconds of the job's own time, so that there are no more samples than seconds that it ran.
      draft.metric({
        timestampMs: believed(draft, Math.floor(jobTime(draft, Number(timestampMs)) / 1000) * 1000),
        cpuMillis,
        memoryBytes: Number(memoryBytes),
        rxBytes: Number(rxBytes),
        txBytes: Number(txBytes),
        storageBytes: storageBytes === undefined ? null : Number(storageBytes),
        ...(gpuMillis === undefined ? {} : { gpuMillis }),
        ...(gpuMemoryBytes === undefined ? {} : { gpuMemoryBytes: Number(gpuMemoryBytes) }),
      })
      return null
    }
    case 'expired':
      if (breach === null && lease.expired !== true) {
        draft.event('expired')
        refineLease(draft, { expired: true })
      }
      return breach
    case 'extended':
      if (breach === null && draft.job.extension !== null) grantExtension(draft)
      return breach
    case 'ended':
      ended(draft, content.value, received.end, breach)
      return breach
    default:
      throw new WireError('MALFORMED', 'A report without content')
  }
}

/** Whether the job ran when the backup was made that this store was restored from. */
function isOfBackup({ state }: JobRecord, restoredFromMs: number | null): boolean {
  return state.status === 'running' && restoredFromMs !== null && state.startedAtMs <= restoredFromMs
}

/** What this peer acknowledged after the backup that it was restored from is here no more, and its provider has let go of it. */
function lacking(draft: JobDraft): void {
  draft.patch({ logProblem: LACKING })
  draft.event('log-cut', { message: LACKING })
}

/**
 * Moves a job whose lease is over without a last report, because its provider is lost.
 * @param init.mayComeBack whether its lease goes on where it is heard of before another attempt
 */
export function loseLease(
  draft: JobDraft,
  why: Failure,
  { waitOutMs, mayComeBack }: { waitOutMs: number; mayComeBack: boolean },
): Settlement {
  if (draft.job.cancelRequestedAtMs !== null) {
    // What its user wanted is so: nobody pays for it any more, whatever its provider does.
    draft.event('lost', lossData(draft.job, why))
    cancelled(draft, null, draft.nowMs)
    return 'final'
  }
  const { elsewhere: mayRetry } = kindOfFailure(why)
  const end = { failure: why, exitCode: null, mayRetry, by: 'requester', waitOutMs, mayComeBack } as const
  return endAttempt(draft, 'lost', end)
}

function started(draft: JobDraft, startedAtMs: number, imageDigest: string, running: ToldToRun | null): void {
  const { state } = draft.job
  if (state.status !== 'scheduled') throw new WireError('INVALID_FIELD', `Started, but the job is ${state.status}`)
  const { scheduledAtMs } = state
  const told = running === null ? {} : { running }
  const lease = { ...state.lease, ...told, imageDigest: imageDigest.slice(0, 256) }
  draft.transition({
    expect: ['scheduled'],
    to: { status: 'running', lease, scheduledAtMs, startedAtMs },
    by: 'provider',
    event: 'started',
    data: { provider: lease.provider, imageDigest: lease.imageDigest },
  })
}

function ended(draft: JobDraft, report: Report_Ended, end: CheckedEnd | null, breach: Breach | null): void {
  if (report.logProblem !== '') {
    draft.patch({ logProblem: report.logProblem })
    draft.event('log-cut', { message: report.logProblem })
  }
  refineLease(draft, { settled: true, ...(end === null ? {} : end) })
  const { state } = draft.job
  const exitCode = report.exitCode ?? null
  const endedAtMs = endTime(draft, Number(report.endedAtMs), end)
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
    endAttempt(draft, 'failed', {
      failure: exitFailure(exitCode),
      exitCode,
      mayRetry: retry,
      by: 'provider',
      endedAtMs,
    })
  } else if (report.outcome === 'cancelled' && draft.job.cancelRequestedAtMs !== null) {
    cancelled(draft, exitCode, endedAtMs)
  } else {
    const why = breach === null ? reportedFailure(report) : brokenOff(breach)
    const retry = mayRetry && (kindOfFailure(why).elsewhere || draft.job.spec.retryOnFailure)
    endAttempt(draft, 'failed', { failure: why, exitCode, mayRetry: retry, by: 'provider', endedAtMs })
  }
  // Another attempt begins anew, and leaves outputs of its own.
  const isOver = isTerminal(draft.job.state.status)
  if (draft.job.spec.outputs !== undefined && isOver) {
    const output = outputOf(report, draft.job.spec.outputs)
    draft.patch({ output })
    if (output.leftOut.length > 0) draft.event('left-out', leftOutEvent(output.leftOut))
  }
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
  /** @default false */
  mayComeBack?: boolean
  /** In the job's time. @default now */
  endedAtMs?: number
}

function endAttempt(draft: JobDraft, outcome: 'lost' | 'failed', end: AttemptEnd): Settlement {
  const { job } = draft
  const lease = requireLease(job)
  const { code, message } = end.failure
  const reason = reasonOf(end.failure)
  const data = lossData(job, end.failure)
  if (end.mayRetry && job.attempt < job.spec.maxAttempts) {
    const { fence, provider, pricePerHour, minimumCharge = '0', meteredMs, lastReport, settled, receipt } = lease
    const why = { code, message, details: reason }
    const { claimedMs, pricePerGb, networkBytes, claimedBytes } = lease
    const given = Object.entries({ claimedMs, pricePerGb, networkBytes, claimedBytes }).filter(
      ([, value]) => value !== undefined,
    )
    const past = { attempt: job.attempt, fence, provider, pricePerHour, minimumCharge, meteredMs, outcome, why }
    const lost = end.mayComeBack === true ? lostLease(job) : null
    draft.transition({
      expect: ['scheduled', 'running'],
      to: { status: 'pending', award: null, waitOutMs: end.waitOutMs ?? 0, excluded: [provider], lost },
      by: end.by,
      event: 'lost',
      data,
    })
    draft.patch({
      attempt: job.attempt + 1,
      // What was granted to this attempt is asked for the next one from the start.
      spec: { ...job.spec, duration: job.durationSeconds },
      pastLeases: [...job.pastLeases, { ...past, ...Object.fromEntries(given), lastReport, settled, receipt }],
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
      endedAtMs: end.endedAtMs ?? draft.nowMs,
      exitCode: end.exitCode,
    },
    by: end.by,
    event: 'failed',
    data: { ...data, meteredSeconds: meteredSeconds(lease.meteredMs) },
  })
  return 'final'
}

function reasonOf({ details }: Failure): Failure['details'] {
  return details.reason === undefined ? {} : { reason: details.reason }
}

/** What the events of a job say of an attempt that failed. */
function lossData(job: Readonly<JobRecord>, why: Failure) {
  const { code, message } = why
  return { provider: requireLease(job).provider, attempt: job.attempt, code, message, ...reasonOf(why) }
}

function lostLease({ state, attempt, logs }: Readonly<JobRecord>): LostLease | null {
  if (state.status !== 'scheduled' && state.status !== 'running') return null
  const startedAtMs = state.status === 'running' ? state.startedAtMs : null
  const { lease, scheduledAtMs } = state
  return { lease, scheduledAtMs, startedAtMs, attempt, logOffset: logs.offset }
}

function outputOf(report: Report_Ended, outputs: OutputsSpec): JobOutput & { leftOut: LeftOut[] } {
  const { outputBytes, outputProblem } = report
  const leftOut = report.leftOut.map(({ path, reason }) => ({ path, reason }))
  const known = outputPaths(outputs).filter(({ to }) => to !== undefined)
  const told = known.flatMap(({ name }) => report.sent.filter((one) => one.name === name).slice(0, 1))
  const sent = told.map(({ bytes, sha256, name, objects, problem, reason }) => {
    return { name, bytes: Number(bytes), sha256: Buffer.from(sha256).toString('hex'), objects, problem, reason }
  })
  const also = { leftOut, ...(sent.length > 0 && { sent }) }
  if (outputBytes !== undefined) return { state: 'waiting', bytes: Number(outputBytes), message: '', ...also }
  const isAllSent = sent.length === outputPaths(outputs).length && sent.every(({ problem }) => problem === '')
  if (isAllSent) return { state: 'sent', bytes: 0, message: 'It went where the job said', ...also }
  const message = outputProblem === '' ? 'The container did not run to its end' : outputProblem
  return { ...lostOutput(notSent(outputs, sent), message, leftOut), ...(sent.length > 0 && { sent }) }
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

/** Each tells the whole, so one that comes too soon after another may be passed over. */
function isNewProgress({ nowMs, job }: JobDraft, { lastProgressMs }: Lease, paceMs: number): boolean {
  const isPaced = lastProgressMs === undefined || nowMs - lastProgressMs >= paceMs
  return isPaced && job.state.status === 'scheduled' && job.lastEvent < MAX_REPORTED_EVENTS
}

function progressed(draft: JobDraft, event: 'pulling' | 'transferring', data: FailureDetails): void {
  draft.event(event, data)
  refineLease(draft, { lastProgressMs: draft.nowMs })
}

function requireLease(job: Readonly<JobRecord>): Lease {
  const { state } = job
  if (state.status !== 'scheduled' && state.status !== 'running') {
    throw new WireError('INVALID_FIELD', `A report for a job that is ${state.status}`)
  }
  return state.lease
}

/** Changes fields of the lease of a scheduled or running job; nothing where it is in another status. */
export function refineLease(draft: JobDraft, fields: Partial<Lease>): void {
  const { state } = draft.job
  if (state.status !== 'scheduled' && state.status !== 'running') return
  draft.refine(state.status, { lease: { ...state.lease, ...fields } })
}
