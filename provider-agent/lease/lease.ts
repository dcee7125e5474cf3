/**
 * One accepted award: its state, and everything it has to tell. State changes in one synchronous step and is written in
 * the order of the changes, a report together with the state it tells of, so neither a crash nor two things at once
 * leave the two apart.
 */

import type { Clock } from '../../node/clock.ts'
import { elapsedSince, momentBefore } from '../../node/moment.ts'
import type { SignedStatement } from '../../protocol/gen/cortex/v1/market_pb.js'
import { outputPaths, secretsOfOutputs } from '../../protocol/job-outputs.ts'
import { packStatement } from '../../protocol/statements.ts'
import type { StorageUse } from '../engine/index.ts'
import type { Journal } from '../journal/journal.ts'
import {
  type LeaseProgress,
  type LeaseRecord,
  type LeaseSecrets,
  leaseId,
  type SettledLease,
} from '../journal/records.ts'
import type { CollectedOutput } from '../outputs/collect.ts'
import type { Ending } from './ending.ts'
import { createMeter, type Meter, type MeterStart } from './meter.ts'
import type { Use } from './receipt.ts'
import { createClaim } from './state/claim.ts'
import { type Commands, createCommands } from './state/commands.ts'
import { type Condition, createToldCondition } from './state/condition.ts'
import { type Closing, createClosing, createStopping, endingsOf, type Stopping } from './state/endings.ts'
import { lastReportContent, leaseEndOf, sendable } from './state/last-report.ts'
import { createTrafficCount, type TrafficCount } from './state/traffic-count.ts'
import { createWrittenProgress, type ReportContent } from './state/written-progress.ts'

/** What {@link createLease} works with. */
export interface LeaseComponents {
  journal: Journal
  clock: Clock
  signReceipt: (record: LeaseRecord, use: Use, ending: Ending) => Promise<SignedStatement>
}

/** Fresh from an award, or as the journal has it. */
export interface LeaseInit {
  record: LeaseRecord
  progress: LeaseProgress
  /** Null after a restart of the agent. */
  secrets: LeaseSecrets | null
  allowExtension: boolean
  maxDurationSeconds: number
  /** How long the provider stays open, in ms: no extension goes beyond. */
  openForMs: () => number
}

/** One lease as long as this process holds it. */
export interface Lease extends Commands, Stopping, Closing {
  readonly id: string
  readonly record: LeaseRecord
  readonly progress: LeaseProgress
  /** Null once they are in the container, and after a restart of the agent. */
  readonly secrets: LeaseSecrets | null
  /** The container holds them from now on, and nobody else but {@link Lease.outputKeys}. */
  forgetSecrets(): void
  /** Of them what outputs are sent by, in memory alone; null once its end was told, and after a restart of the agent. */
  readonly outputKeys: Readonly<Record<string, string>> | null
  readonly meter: Meter
  /** What was metered so far and may be billed, in ms: no more than the duration, and the grace where that was used. */
  readonly billableMs: number
  /**
   * Of that what the requester may be told, in ms: as far as the engine said that it runs; above 0 once its start was asked
   * for, when it may run.
   */
  readonly tellableMs: number
  /** What went over its network. */
  readonly traffic: TrafficCount
  /** Aborted once something wants the container to stop; `progress.stopping` says what. */
  readonly stopSignal: AbortSignal
  /** Aborted once the last report is written: the container has ended. */
  readonly endedSignal: AbortSignal
  /** Aborted once the requester wants no more of it: what is still to be read of it is not waited for. */
  readonly cancelSignal: AbortSignal
  /** Aborted once nothing of this lease is left to do. */
  readonly settledSignal: AbortSignal
  /** Aborted once the container is to end soon: another attempt of its job may be waiting for that. */
  readonly hastySignal: AbortSignal
  /** Monotonic time of what the requester is known to have heard last, in ms. */
  readonly contactMs: number

  /** What it took of the disk when that was measured last; null before. Whoever measures it writes it. */
  readonly storage: { use: StorageUse | null }

  /** How its container does, as it was looked at last. */
  readonly condition: Condition
  tellCondition(condition: Condition): void
  /** Calls back when it has changed, until the answer is called. */
  onCondition(callback: () => void): () => void

  /** What the requester has not stored yet, in bytes. */
  readonly backlogBytes: number
  /** The requester has stored everything up to that number. */
  acknowledged(sequence: number): Promise<void>
  /** Writes a report, and the change of state with it, or that alone; resolves when it is on disk. */
  report(content: ReportContent | null, change?: Partial<LeaseProgress>): Promise<void>
  /** The engine is being asked to start it. */
  startAsked(): void
  /** The container runs; `begin.networkFrom` is absent where nobody knows what had gone over its network before. */
  started(startedAtMs: number, imageDigest: string, begin: MeterStart & { networkFrom?: number }): Promise<void>
  /** Monotonic time of when the requester was last told that it does not run yet, in ms. */
  readonly idleMs: number
  /** The requester is being told that it has run for so long, in ms. */
  told(meteredMs: number): void
  /** By now the requester has heard the newest word that it does not run yet. */
  idleHeard(): void
  /**
   * By now the requester has stored the reports after `after` up to `sequence`, which it was told on one stream. Where the
   * start is among them, nothing is claimed that its meter cannot bear out: see `Claim`.
   */
  reportsHeard(after: number, sequence: number, heartbeatMs: number): void
  /**
   * It has ended, and nobody knows when: stops the meter. Where the requester was told nothing for longer than `silenceMs`,
   * this process may have been held up as long, and what was told last is billed.
   */
  breakOff(silenceMs: number): void
  /**
   * Writes the last report.
   *
   * @param output what became of the job's outputs; null where it names none
   * @param logProblem why lines of the log may be missing; empty where none are
   */
  end(ending: Ending, endedAtMs: number, output: CollectedOutput | null, logProblem?: string): Promise<void>
  /** The requester is known to have heard what was sent at that moment, monotonic, in ms. */
  touch(atMs: number): void
  /** The container is to end soon, whatever grace its job gives it. */
  hasten(): void
  /** Resolves after the next report is written or acknowledged, or {@link Lease.wake}. */
  nextChange(): Promise<void>
  wake(): void
  /** Forgets the lease but for its receipt. Repeating it is no error. */
  settle(requesterReceipt: SignedStatement | null): Promise<void>
}

/** What is told of a log whose lines gave way while nobody fetched them. */
const DROPPED = 'The requester was away for so long that lines of the log are missing.'

/** Goes on from `progress`: what it says of a stop or an end holds already. Writes nothing by itself. */
export function createLease({ journal, clock, signReceipt }: LeaseComponents, init: LeaseInit): Lease {
  const { record } = init
  const id = leaseId(record.jobId, record.fence)
  const meter = createMeter({ clock }, init.progress.meteredMs)
  const progress = createWrittenProgress({ journal, clock, meter }, record, init.progress)
  const condition = createToldCondition()
  const traffic = createTrafficCount(progress, record)
  const endings = endingsOf(init.progress)
  const closing = createClosing(endings)
  let { secrets } = init
  let outputKeys = secrets === null ? null : keysOfOutputs(record, secrets)
  let toldMs = init.progress.meteredMs
  let contactMs = clock.monotonicMs() - elapsedSince(clock, init.progress.lastContact)
  let isStartAsked = false
  const claim = createClaim(clock, init.progress.claimFrom)

  async function end(found: Ending, endedAtMs: number, output: CollectedOutput | null, problem = ''): Promise<void> {
    const ending = { ...found, exitCode: sendable(found.exitCode) }
    const logProblem = problem === '' && journal.hasDropped(id) ? DROPPED : problem
    const { startedAtMs } = progress.now
    // A container that was started has run, however short: it is billed a second, and the minimum charge.
    const meterMs = meter.stop()
    const ranMs = progress.billable(Math.min(meterMs, claim.most(meter.stoppedMs ?? clock.monotonicMs())))
    const meteredMs = startedAtMs === null ? ranMs : Math.max(1, ranMs)
    const use: Use = { startedAtMs, endedAtMs, meteredMs, networkBytes: traffic.billableBytes }
    const last = { ending, use, receipt: await signReceipt(record, use, ending), output, logProblem }
    const ended = leaseEndOf(record, last, progress.now.lastSequence + 1)
    await progress.write(lastReportContent(last), { ended, meteredMs })
    outputKeys = null
    closing.close()
    endings.ended.abort()
  }

  async function settle(requesterReceipt: SignedStatement | null): Promise<void> {
    if (endings.settled.signal.aborted) return
    outputKeys = null
    endings.settled.abort()
    progress.wake()
    await journal.settle(settledOf(record, progress.now, requesterReceipt, clock.nowMs()))
  }

  return {
    ...createStopping(progress, endings),
    ...createCommands(progress, endings, init, meter),
    ...{ ...closing, id, record, meter, traffic, storage: { use: null }, end, settle },
    get secrets() {
      return secrets
    },
    forgetSecrets() {
      secrets = null
    },
    get outputKeys() {
      return outputKeys
    },
    stopSignal: endings.stop.signal,
    hastySignal: endings.hasty.signal,
    cancelSignal: endings.cancelled.signal,
    ...{ endedSignal: endings.ended.signal, settledSignal: endings.settled.signal },
    get progress() {
      return progress.now
    },
    get billableMs() {
      return progress.billable(meter.sure())
    },
    get tellableMs() {
      return Math.max(isStartAsked ? 1 : 0, progress.billable(meter.vouched()))
    },
    get contactMs() {
      return contactMs
    },
    get condition() {
      return condition.now
    },
    tellCondition: condition.tell,
    onCondition: condition.on,
    get backlogBytes() {
      return journal.bytes(id)
    },
    async acknowledged(sequence) {
      await journal.acknowledge(id, sequence)
      progress.wake()
    },
    report: (content, changes = {}) => progress.write(content, changes),
    get idleMs() {
      return claim.idleMs
    },
    told(meteredMs) {
      if (meteredMs === 0) claim.idleTold()
      toldMs = meteredMs
    },
    idleHeard: claim.idleHeard,
    reportsHeard(after, sequence, heartbeatMs) {
      const agoMs = claim.reportsHeard(after, sequence, heartbeatMs)
      if (agoMs !== null) progress.claimFrom(momentBefore(clock, agoMs))
    },
    breakOff(silenceMs) {
      const sureMs = meter.sure()
      meter.stop(sureMs - toldMs > silenceMs ? Math.min(toldMs, sureMs) : sureMs)
    },
    startAsked() {
      isStartAsked = true
    },
    async started(startedAtMs, imageDigest, { meteredMs, unheardMs, ...from }) {
      meter.start(meteredMs)
      const value = { startedAtMs: BigInt(startedAtMs), imageDigest }
      const change = { startedAtMs, runningSince: momentBefore(clock, meteredMs), unheardMs, imageDigest, ...from }
      const written = progress.write({ case: 'started', value }, change)
      claim.startTold(progress.now.lastSequence, clock.monotonicMs() - meteredMs - unheardMs)
      await written
    },
    touch(atMs) {
      if (atMs <= contactMs) return
      contactMs = atMs
      progress.heard(momentBefore(clock, clock.monotonicMs() - atMs))
    },
    hasten: () => endings.hasty.abort(),
    nextChange: progress.nextChange,
    wake: progress.wake,
  }
}

function keysOfOutputs({ job }: LeaseRecord, { keys = {} }: LeaseSecrets): Record<string, string> {
  const named = secretsOfOutputs(outputPaths(job.outputList))
  return Object.fromEntries(Object.entries(keys).filter(([name]) => named.has(name)))
}

function settledOf(
  { jobId, fence, requester, bidId }: LeaseRecord,
  { ended, startedAtMs, stopping, ownerSaid = '' }: LeaseProgress,
  receipt: SignedStatement | null,
  settledAtMs: number,
): SettledLease {
  return {
    ...{ jobId, fence, requester, bidId, end: ended, startedAtMs },
    ...(stopping === 'owner' ? { ownerSaid } : {}),
    requesterReceipt: receipt === null ? null : packStatement(receipt),
    settledAtMs,
  }
}
