/**
 * Drives one container through its life. Every step may be repeated, so a restarted agent runs the same code: what it
 * finds on the engine decides where it goes on. Nothing is ever started twice.
 */

import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { elapsedSince, jumpSince } from '../../node/moment.ts'
import { following, type Tracer, within } from '../../node/tracing/index.ts'
import { MAX_HASTY_GRACE_MS } from '../../protocol/limits.ts'
import type { ContainerAccess } from '../engine/access.ts'
import {
  type ContainerEngine,
  type ContainerExit,
  type ContainerSummary,
  KILLED,
  type StatsSample,
} from '../engine/index.ts'
import type { Guard } from '../guard/guard.ts'
import type { ImageKeeper } from '../image-keeper.ts'
import type { Exceeded, StopReason } from '../journal/records.ts'
import { whenAborted } from '../on-abort.ts'
import type { CollectedOutput } from '../outputs/collect.ts'
import { retried } from './backoff.ts'
import { containerName, containerSpec } from './container.ts'
import { type Ending, endingOfError, endingOfExit, endingOfStop, LeaseBrokenError } from './ending.ts'
import { followLogs, followStats, guardedMs, isGone, keepGuarded, watchContact, watchDuration } from './follow.ts'
import type { Lease } from './lease.ts'
import { createProgressReporter } from './pull-progress.ts'
import { watchEndpoints } from './watch-endpoints.ts'
import { beyond, watchStorage } from './watch-storage.ts'

export interface RunnerComponents {
  engine: ContainerEngine
  clock: Clock
  logger: Logger
  tracer: Tracer
  /** Peer id of this provider: marks its containers. */
  owner: string
  /** Ends containers where this process cannot. @default none */
  guard?: Guard | undefined
  /** Reaches its ports. @default they are not looked at */
  access?: ContainerAccess | undefined
  /** Gets images, and keeps them while they are needed. */
  images: Pick<ImageKeeper, 'pull' | 'release'>
  /** Keeps what an ended container left. */
  collect: (lease: Lease, name: string, signal: AbortSignal) => Promise<CollectedOutput | null>
}

export interface RunnerInit {
  /** What the engine has of it after a restart; null for a new lease. */
  found: ContainerSummary | null
  /** True after a restart of the agent. */
  adopted: boolean
  /** Resolves when an older attempt of the same job on this machine is over. */
  after: Promise<void>
  logFlushMs: number
  statsMs: number
  storageMs: number
  endpointsMs: number
  /** Whether the requester follows at the moment. */
  isHeard: () => boolean
}

/** Tries of a start while the engine is away; beyond it the job is better off elsewhere. About 10 s. */
const START_TRIES = 6
/** Tries of a removal that the engine answers with an error; the next start of the agent tries again. */
const REMOVE_TRIES = 5
/** How long output may take to be read after the container's end without anything new, in ms. */
const LOG_DRAIN_MS = 10_000
/** How far wall clock and monotonic clock may be apart over a job without a jump, in ms. */
const CLOCK_TOLERANCE_MS = 2_000
/** How far the meter and the engine's times may be apart, in ms, before those count. */
const LATE_MS = 500

/** Resolves when the container is gone and the lease has its last report, or when `signal` (the agent stops) aborts. */
export async function runLease(
  components: RunnerComponents,
  lease: Lease,
  init: RunnerInit,
  signal: AbortSignal,
): Promise<void> {
  const { engine, access, clock, owner } = components
  const { record } = lease
  const logger = components.logger.child({ part: 'runner' })
  const name = containerName(record)
  const scope = new AbortController()
  const running = AbortSignal.any([signal, scope.signal])
  const follow = { engine, clock, logger, lease, name }
  /** No limit can stop what ended while no agent looked. */
  const hadEnded = init.found?.state === 'exited'
  /** The most processes that were seen, where that is all that were allowed. */
  let crowded: Exceeded | null = null
  /** How long the engine took to say that the container runs, in ms: it may have run all that while. */
  let startTookMs = 0

  async function run(): Promise<void> {
    const guard = record.onDisconnect === 'stop' ? components.guard : undefined
    if (lease.progress.ended === null) {
      // Before there is a container that could outlive this process.
      await guard?.hold(name, guardedMs(clock, lease))
      const guarded = guard === undefined ? null : keepGuarded(follow, guard, running)
      const contact = hadEnded ? null : watchContact(clock, lease, running)
      try {
        await end(...(await live()))
      } finally {
        scope.abort()
        await contact
        await guarded
      }
    }
    await retried(
      clock,
      signal,
      (error, attempt) => isGone(error) || attempt < REMOVE_TRIES,
      () => engine.remove(name, { signal }),
    )
    await guard?.release(name)
  }

  async function live(): Promise<[Ending, ContainerExit | null]> {
    try {
      if (!(await ready())) return [endingOfStop(lease.progress.stopping ?? 'cancelled'), null]
      const exit = await untilEnd()
      const stopping = stoppedBy(exit)
      return [endingOfExit(exit, stopping, { ...limits(), exceeded: await exceededBy(exit, stopping) }), exit]
    } catch (error) {
      signal.throwIfAborted()
      const { stopping } = lease.progress
      if (lease.stopSignal.aborted && stopping !== null && !lease.meter.running) return [endingOfStop(stopping), null]
      logger.warn({ lease: lease.id, error: String(error) }, 'the container could not run')
      return [endingOfError(error), null]
    }
  }

  /** Brings the container to run, or finds it again. False where it is to stop before it began. */
  async function ready(): Promise<boolean> {
    const there = init.found !== null && init.found.state !== 'network-only'
    const begun = lease.progress.startedAtMs !== null
    if (begun && !there) {
      throw new LeaseBrokenError('container-lost', 'The container was gone after a restart of the provider.')
    }
    if (lease.stopSignal.aborted && !there) return false
    const imageDigest = there ? lease.progress.imageDigest : await prepare()
    if (lease.stopSignal.aborted && init.found?.state !== 'running' && !begun) return false
    // Not to be interrupted, for whether it runs must be known; and no second start where it has run already.
    const askedMs = clock.monotonicMs()
    const { startedAtMs } = await startable(signal, () => step('cortex.start', () => engine.start(name, { signal })))
    startTookMs = clock.monotonicMs() - askedMs
    const meteredMs = ranBefore(startedAtMs)
    if (hadEnded) lease.meter.unseen()
    if (begun) lease.meter.start(meteredMs)
    else await lease.started(startedAtMs, imageDigest, meteredMs)
    return true
  }

  /** How long a container from before a restart has run, in ms; nothing for one that has just been started. */
  function ranBefore(startedAtMs: number): number {
    const { runningSince, meteredMs } = lease.progress
    if (runningSince !== null) return Math.max(meteredMs, elapsedSince(clock, runningSince))
    return init.adopted ? Math.max(0, clock.nowMs() - startedAtMs) : 0
  }

  /** Makes image and container; answers the image's digest. */
  async function prepare(): Promise<string> {
    if (init.adopted && record.hadSecrets) {
      throw new LeaseBrokenError(
        'secrets-lost',
        'The provider restarted before it made the container; secrets are not kept.',
      )
    }
    await init.after
    const until = AbortSignal.any([signal, lease.stopSignal])
    until.throwIfAborted()
    return await startable(until, async () => {
      const digest = await step('cortex.pull', () => pull(until))
      await step('cortex.create', () => engine.create(containerSpec(record, lease.secrets, owner), { signal: until }))
      lease.forgetSecrets()
      return digest
    })
  }

  async function step<T>(what: string, task: () => Promise<T>): Promise<T> {
    const attributes = { 'cortex.job': record.jobId, 'cortex.image': record.job.image }
    return await within(following(components.tracer, what, record.traceparent ?? '', attributes), task)
  }

  async function startable<T>(until: AbortSignal, task: () => Promise<T>): Promise<T> {
    return await retried(clock, until, (error, attempt) => isGone(error) && attempt < START_TRIES, task)
  }

  async function pull(until: AbortSignal): Promise<string> {
    const { image, imagePullPolicy } = record.job
    const credentials = lease.secrets?.registryCredentials
    const request = { image, policy: imagePullPolicy, ...(credentials === undefined ? {} : { credentials }) }
    const onProgress = createProgressReporter(clock, lease, logger)
    const pulled = await components.images.pull(lease.id, { ...request, onProgress }, { signal: until })
    const { imageId, repoDigest } = pulled
    return repoDigest ?? imageId
  }

  async function untilEnd(): Promise<ContainerExit> {
    const logs = followLogs(follow, init, running)
    const others = hadEnded
      ? []
      : [
          followStats(follow, init.statsMs, running, noteProcesses),
          watchStorage(follow, init.storageMs, running),
          watchDuration(follow, running),
          access === undefined ? Promise.resolve() : watchEndpoints({ ...follow, access }, init.endpointsMs, running),
          stopWhenAsked(),
        ]
    let away = hadEnded
    const worth = (error: unknown): boolean => {
      if (!isGone(error)) return false
      away = true
      lease.meter.unseen()
      return true
    }
    try {
      const exit = await retried(clock, signal, worth, async () => {
        if (away && (await isSeenToRun())) lease.meter.seen()
        return await engine.wait(name, { signal })
      })
      meterEnd(exit, away)
      await drained(logs)
      return exit
    } finally {
      scope.abort()
      await Promise.allSettled([logs, ...others])
    }
  }

  async function isSeenToRun(): Promise<boolean> {
    const containers = await engine.list(owner, { signal })
    return containers.some((summary) => summary.name === name && summary.state === 'running')
  }

  /**
   * On the monotonic clock, unless the engine's own times say something else and its wall clock did not jump meanwhile: an
   * agent that was held up, with its machine asleep or busy, hears of a start or an end long after it. Where the clock
   * jumped, an end that nobody saw is billed only as far as somebody saw the container run.
   */
  function meterEnd({ startedAtMs, finishedAtMs }: ContainerExit, away: boolean): void {
    const shownMs = lease.meter.read()
    const byEngineMs = Math.max(0, Math.min(finishedAtMs - startedAtMs, shownMs + startTookMs))
    const { runningSince } = lease.progress
    const jumpMs = (runningSince && jumpSince(clock, runningSince)) ?? clock.nowMs() - startedAtMs - shownMs
    const apart = Math.abs(shownMs - byEngineMs) > LATE_MS
    if (Math.abs(jumpMs) <= CLOCK_TOLERANCE_MS) lease.meter.stop(away || apart ? byEngineMs : shownMs)
    else lease.meter.stop(away ? Math.max(lease.meter.sure(), Math.min(byEngineMs, shownMs)) : shownMs)
  }

  /** Output is complete when its reader says so; an engine that never says it does not hold the lease for ever. */
  async function drained(logs: Promise<void>): Promise<void> {
    let over = false
    const done = logs.then(() => {
      over = true
    })
    const timer = new AbortController()
    for (let lines = -1; !over && lines !== lease.progress.logLines; ) {
      lines = lease.progress.logLines
      // Aborted with the agent, or because the output ended.
      const late = clock.sleep(LOG_DRAIN_MS, AbortSignal.any([signal, timer.signal])).catch(() => undefined)
      await Promise.race([done, late])
    }
    timer.abort()
    signal.throwIfAborted()
    if (!over) logger.warn({ lease: lease.id }, 'the output did not end with the container')
  }

  async function stopWhenAsked(): Promise<void> {
    await whenAborted(AbortSignal.any([lease.stopSignal, running]))
    // What is over its limit would go on filling the disk for as long as it is let.
    const graceMs = lease.progress.stopping === 'over-limit' ? 0 : record.job.stopGraceSeconds * 1000
    const hastily = whenAborted(AbortSignal.any([lease.hastySignal, running])).then(
      async () => await stopWithin(Math.min(graceMs, MAX_HASTY_GRACE_MS)),
    )
    if (!lease.hastySignal.aborted) await stopWithin(graceMs)
    await hastily
  }

  async function stopWithin(graceMs: number): Promise<void> {
    if (running.aborted) return
    const stop = { graceMs, signalName: record.job.stopSignal }
    // What must end is told so until it has ended.
    const again = (error: unknown): boolean => {
      if (!isGone(error)) logger.error({ lease: lease.id, error: String(error) }, 'the container does not stop')
      return true
    }
    const stopped = retried(clock, running, again, () => engine.stop(name, stop, { signal: running }))
    await stopped.catch(() => undefined) // the container has ended, or the agent stops
  }

  async function end(ending: Ending, exit: ContainerExit | null): Promise<void> {
    signal.throwIfAborted()
    // A container that could not be followed must not run on after its end was told.
    if (exit === null) await retried(clock, signal, isGone, () => engine.remove(name, { signal }))
    // Nobody wants to hear of a stale one.
    if (lease.progress.stopping === 'stale') return
    const output = exit === null ? null : await components.collect(lease, name, signal)
    await lease.end(ending, Math.trunc(exit?.finishedAtMs ?? clock.nowMs()), output)
  }

  /** What ended the container. A duration that passed only while the engine was away, after the end, did not. */
  function stoppedBy({ exitCode }: ContainerExit): StopReason | null {
    const { stopping, durationSeconds } = lease.progress
    const wasGuarded = components.guard !== undefined && record.onDisconnect === 'stop'
    if (wasGuarded && stopping === null && exitCode === KILLED && guardedMs(clock, lease) <= 0) return 'disconnected'
    return stopping === 'expired' && lease.meter.read() + 1_000 < durationSeconds * 1000 ? null : stopping
  }

  function noteProcesses({ pids }: StatsSample): void {
    if (pids !== null && pids.current >= pids.limit) crowded = { what: 'pids', limit: pids.limit, used: pids.current }
  }

  /** The limit that a container went beyond, as far as this side knows: it only tells why where it did not end well. */
  async function exceededBy({ exitCode }: ContainerExit, stopping: StopReason | null): Promise<Exceeded | null> {
    const { exceeded = null } = lease.progress
    if (exceeded !== null || exitCode === 0 || stopping !== null) return exceeded
    try {
      const use = await engine.storage(name, { signal, all: true })
      return beyond(record, use, true) ?? crowded
    } catch (error) {
      signal.throwIfAborted()
      logger.warn({ lease: lease.id, error: String(error) }, 'use of the disk was not measured')
      return crowded
    }
  }

  function limits() {
    return { durationSeconds: lease.progress.durationSeconds, memoryBytes: record.resources.memoryBytes }
  }

  try {
    await run()
  } catch (error) {
    // The agent stops: container, journal and lease stay as they are for the next start.
    if (!signal.aborted) logger.error({ lease: lease.id, error: String(error) }, 'the lease broke')
  } finally {
    if (!signal.aborted) await components.images.release(lease.id)
  }
}
