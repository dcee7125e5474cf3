/**
 * One accepted award: its state, and everything it has to tell. State changes in one synchronous step and is written in
 * the order of the changes, a report together with the state it tells of, so neither a crash nor two things at once
 * leave the two apart.
 */

import { isDeepStrictEqual } from 'node:util'
import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Clock } from '../../node/clock.ts'
import { elapsedSince, momentBefore } from '../../node/moment.ts'
import { encode } from '../../protocol/codec.ts'
import type { EndpointState } from '../../protocol/endpoints.ts'
import { LeaseMessageSchema, type ReportSchema, type SignedStatement } from '../../protocol/gen/cortex/v1/market_pb.js'
import { MAX_DURATION_SECONDS } from '../../protocol/limits.ts'
import type { Journal, NewReport } from '../journal/journal.ts'
import {
  type CommandAnswer,
  type Exceeded,
  type LeaseEnd,
  type LeaseProgress,
  type LeaseRecord,
  type LeaseSecrets,
  leaseId,
  STOP_REASONS,
  type StopReason,
} from '../journal/records.ts'
import type { CollectedOutput } from '../outputs/collect.ts'
import type { Ending } from './ending.ts'
import { createMeter, type Meter } from './meter.ts'
import { costOfUse, packStatement, type Use } from './receipt.ts'

type ReportContent = NonNullable<MessageInitShape<typeof ReportSchema>['content']>

export interface LeaseComponents {
  journal: Journal
  clock: Clock
  signReceipt: (record: LeaseRecord, use: Use, ending: Ending) => Promise<SignedStatement>
}

export interface LeaseInit {
  record: LeaseRecord
  progress: LeaseProgress
  /** Null after a restart of the agent. */
  secrets: LeaseSecrets | null
  allowExtension: boolean
  maxDurationSeconds: number
}

export interface Lease {
  readonly id: string
  readonly record: LeaseRecord
  readonly progress: LeaseProgress
  /** Null once they are in the container, and after a restart of the agent. */
  readonly secrets: LeaseSecrets | null
  /** The container holds them from now on, and nobody else. */
  forgetSecrets(): void
  readonly meter: Meter
  /** Aborted once something wants the container to stop; `progress.stopping` says what. */
  readonly stopSignal: AbortSignal
  /** Aborted once the last report is written: the container has ended. */
  readonly endedSignal: AbortSignal
  /** Aborted once nothing of this lease is left to do. */
  readonly settledSignal: AbortSignal
  /** Aborted once the container is to end soon: another attempt of its job may be waiting for that. */
  readonly hastySignal: AbortSignal
  /** Monotonic time of what the requester is known to have heard last, in ms. */
  readonly contactMs: number

  /** How its ports do, as they were looked at last; empty before. */
  readonly endpoints: readonly EndpointState[]
  tellEndpoints(states: EndpointState[]): void
  /** Calls back when they have changed, until the answer is called. */
  onEndpoints(callback: () => void): () => void

  /** Writes a report, and the change of state with it; resolves when it is on disk. */
  report(content: ReportContent, change?: Partial<LeaseProgress>): Promise<void>
  /** The container runs: meters from `meteredMs` on. */
  started(startedAtMs: number, imageDigest: string, meteredMs: number): Promise<void>
  /** Asks for the container's end. Only a stronger reason replaces an earlier one; after the end it does nothing. */
  requestStop(reason: Exclude<StopReason, 'over-limit'>): Promise<void>
  /** Asks for the container's end because it went beyond a limit. */
  exceed(limit: Exceeded): Promise<void>
  cancel(commandId: string): Promise<CommandAnswer>
  extend(commandId: string, additionalSeconds: number): Promise<CommandAnswer>
  /** Writes the last report. @param output what became of the job's outputs; null where it names none */
  end(ending: Ending, endedAtMs: number, output: CollectedOutput | null): Promise<void>
  /** The requester is known to have heard what was sent at that moment, monotonic, in ms. */
  touch(atMs: number): void
  /** The container is to end soon, whatever grace its job gives it. */
  hasten(): void
  /** Resolves after the next report is written, or {@link Lease.wake}. */
  nextChange(): Promise<void>
  wake(): void
  /** Forgets the lease but for its receipt. Repeating it is no error. */
  settle(requesterReceipt: SignedStatement | null): Promise<void>
}

/** Answers to commands that are remembered. */
const MAX_COMMANDS = 64

export function createLease({ journal, clock, signReceipt }: LeaseComponents, init: LeaseInit): Lease {
  const { record } = init
  const id = leaseId(record.jobId, record.fence)
  const stop = new AbortController()
  const hasty = new AbortController()
  const endedAlready = new AbortController()
  const settled = new AbortController()
  const meter = createMeter({ clock }, init.progress.meteredMs)
  const listeners = new Set<() => void>()
  let endpoints: EndpointState[] = []
  let { secrets } = init
  let progress = init.progress
  let contactMs = clock.monotonicMs() - elapsedSince(clock, progress.lastContact)
  let change = Promise.withResolvers<void>()
  if (progress.stopping !== null) stop.abort()
  if (isHasty(progress.stopping)) hasty.abort()
  if (progress.ended !== null) endedAlready.abort()

  function wake(): void {
    const before = change
    change = Promise.withResolvers<void>()
    before.resolve()
  }

  async function write(content: ReportContent | null, changes: Partial<LeaseProgress>): Promise<void> {
    const lastSequence = progress.lastSequence + (content === null ? 0 : 1)
    progress = { ...progress, meteredMs: meter.sure(), ...changes, lastSequence }
    if (content === null) return await journal.save(id, progress)
    const message = encode(LeaseMessageSchema, {
      content: {
        case: 'report',
        value: { sequence: BigInt(lastSequence), timestampMs: BigInt(clock.nowMs()), content },
      },
    })
    await journal.save(id, progress, { sequence: lastSequence, message, ...figuresOf(content) })
    wake()
  }

  function stopping(reason: StopReason): Partial<LeaseProgress> {
    const current = progress.stopping === null ? -1 : STOP_REASONS.indexOf(progress.stopping)
    return STOP_REASONS.indexOf(reason) > current ? { stopping: reason } : {}
  }

  function remembered(commandId: string): CommandAnswer | undefined {
    return progress.commands.find(([known]) => known === commandId)?.[1]
  }

  function remember(commandId: string, answer: CommandAnswer): Pick<LeaseProgress, 'commands'> {
    return { commands: [...progress.commands, [commandId, answer] as [string, CommandAnswer]].slice(-MAX_COMMANDS) }
  }

  function extensionRefusal(durationSeconds: number): string | null {
    if (!init.allowExtension) return 'This provider does not extend jobs'
    if (progress.ended !== null || progress.stopping !== null) return 'The job is already ending'
    const most = Math.min(init.maxDurationSeconds, MAX_DURATION_SECONDS)
    return durationSeconds > most ? `This provider runs jobs up to ${most} s, ${durationSeconds} s asked` : null
  }

  const lease: Lease = {
    id,
    record,
    get secrets() {
      return secrets
    },
    forgetSecrets() {
      secrets = null
    },
    meter,
    stopSignal: stop.signal,
    hastySignal: hasty.signal,
    endedSignal: endedAlready.signal,
    settledSignal: settled.signal,
    get progress() {
      return progress
    },
    get contactMs() {
      return contactMs
    },
    get endpoints() {
      return endpoints
    },
    tellEndpoints(states) {
      if (isDeepStrictEqual(states, endpoints)) return
      endpoints = states
      for (const listener of listeners) listener()
    },
    onEndpoints(callback) {
      listeners.add(callback)
      return () => listeners.delete(callback)
    },
    report: (content, changes = {}) => write(content, changes),
    async started(startedAtMs, imageDigest, meteredMs) {
      meter.start(meteredMs)
      const value = { startedAtMs: BigInt(startedAtMs), imageDigest }
      const runningSince = momentBefore(clock, meteredMs)
      await write({ case: 'started', value }, { startedAtMs, runningSince, imageDigest })
    },
    async requestStop(reason) {
      if (isHasty(reason)) hasty.abort()
      const changes = stopping(reason)
      if (progress.ended !== null || changes.stopping === undefined) return
      const written = write(reason === 'expired' ? { case: 'expired', value: {} } : null, changes)
      stop.abort()
      await written
    },
    async exceed(exceeded) {
      const changes = stopping('over-limit')
      if (progress.ended !== null || changes.stopping === undefined) return
      const written = write(null, { ...changes, exceeded })
      stop.abort()
      await written
    },
    async cancel(commandId) {
      const known = remembered(commandId)
      if (known !== undefined) return known
      if (progress.ended !== null) return { ok: false, code: 'LEASE_ENDED', message: 'The container has already ended' }
      const answer = { ok: true, code: '', message: '' }
      const written = write(null, { ...remember(commandId, answer), ...stopping('cancelled') })
      stop.abort()
      await written
      return answer
    },
    async extend(commandId, additionalSeconds) {
      const known = remembered(commandId)
      if (known !== undefined) return known
      const durationSeconds = progress.durationSeconds + additionalSeconds
      const message = additionalSeconds < 1 ? 'At least 1 s must be added' : extensionRefusal(durationSeconds)
      if (message !== null) {
        const refused = { ok: false, code: 'EXTENSION_REFUSED', message }
        await write(null, remember(commandId, refused))
        return refused
      }
      const answer = { ok: true, code: '', message: '' }
      const changes = { durationSeconds, ...remember(commandId, answer) }
      await write({ case: 'extended', value: { durationSeconds } }, changes)
      return answer
    },
    async end(ending, endedAtMs, output) {
      // A container that was started has run, however short: it is billed a second, and the minimum charge.
      const meteredMs = progress.startedAtMs === null ? meter.stop() : Math.max(1, meter.stop())
      const use: Use = { startedAtMs: progress.startedAtMs, endedAtMs, meteredMs }
      const receipt = await signReceipt(record, use, ending)
      const { meteredSeconds, cost } = costOfUse(record, use, ending)
      const { outcome, exitCode, failureCode, message, details } = ending
      const ended: LeaseEnd = {
        sequence: progress.lastSequence + 1,
        outcome,
        exitCode,
        endedAtMs,
        meteredSeconds,
        cost: String(cost),
        failureCode,
        receipt: packStatement(receipt),
      }
      const value = {
        outcome,
        endedAtMs: BigInt(endedAtMs),
        failureCode,
        message,
        details,
        receipt,
        ...(exitCode === null ? {} : { exitCode }),
        ...outputFields(output),
      }
      await write({ case: 'ended', value }, { ended, meteredMs })
      endedAlready.abort()
    },
    touch(atMs) {
      if (atMs <= contactMs) return
      contactMs = atMs
      progress = { ...progress, lastContact: momentBefore(clock, clock.monotonicMs() - atMs) }
    },
    hasten: () => hasty.abort(),
    nextChange: () => change.promise,
    wake,
    async settle(requesterReceipt) {
      if (settled.signal.aborted) return
      settled.abort()
      wake()
      await journal.settle({
        jobId: record.jobId,
        fence: record.fence,
        requester: record.requester,
        bidId: record.bidId,
        end: progress.ended,
        startedAtMs: progress.startedAtMs,
        requesterReceipt: requesterReceipt === null ? null : packStatement(requesterReceipt),
        settledAtMs: clock.nowMs(),
      })
    },
  }
  return lease
}

function outputFields(output: CollectedOutput | null): { outputBytes?: bigint; outputProblem?: string } {
  if (output === null) return {}
  return 'kept' in output ? { outputBytes: BigInt(output.kept.bytes) } : { outputProblem: output.problem }
}

/** Whether another attempt of the job may be waiting for the end of this one. */
function isHasty(reason: StopReason | null): boolean {
  return reason === 'disconnected' || reason === 'stale'
}

/** What the journal may do with a report where it has no room. */
function figuresOf(content: ReportContent): Pick<NewReport, 'kind' | 'lastLine' | 'lines'> {
  switch (content.case) {
    case 'logs': {
      const lines = content.value.lines?.length ?? 0
      return { kind: 'lines', lastLine: Number(content.value.firstLine ?? 0) + lines - 1, lines }
    }
    case 'stats':
    case 'pulling':
      return { kind: 'sample' }
    default:
      return { kind: 'state' }
  }
}
