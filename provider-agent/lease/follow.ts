/** What a running container has to say, carried into its lease's reports until the signal aborts: output, use, time. */

import { retried } from '../../node/backoff.ts'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { MAX_HASTY_GRACE_MS } from '../../protocol/limits.ts'
import { isGone } from '../engine/errors.ts'
import { type ContainerEngine, EngineError, type LogLine, type MetLimit, type StatsSample } from '../engine/index.ts'
import type { Guard } from '../guard/guard.ts'
import type { Lease } from './lease.ts'
import { pumpLogs } from './log-pump.ts'

/** What each of those works with that follow one container. */
export interface FollowComponents {
  engine: ContainerEngine
  clock: Clock
  logger: Logger
  lease: Lease
  /** Of the container. */
  name: string
}

/** How long lines are gathered while nobody listens, in ms: fewer, larger entries in the journal. */
const UNHEARD_FLUSH_MS = 1_000

/** Before this the engine is not asked for use: the first moments belong to the start, and many jobs end at once. */
const STATS_DELAY_MS = 500

/** Tries to read the output again after errors that are not the engine's absence. */
const LOG_TRIES = 5

/**
 * What a requester that follows may be behind, in bytes: beyond it no more of the output is read, so that what the job
 * writes waits at the engine, and neither fills the journal nor keeps the container's end from being told.
 */
export const MAX_BACKLOG_BYTES = 4 * 2 ** 20
/** How often it is looked whether the requester follows still, in ms. */
const BACKLOG_LOOK_MS = 1_000

/** Carries the output into reports; answers why lines of it are missing, or nothing. */
export async function followLogs(
  { engine, clock, logger, lease, name }: FollowComponents,
  init: { logFlushMs: number; isHeard: () => boolean },
  signal: AbortSignal,
): Promise<string> {
  const write = async (lines: LogLine[]): Promise<void> => {
    const [first] = lines
    if (first === undefined) return
    const batch = lines.map(({ timestampMs, line, stream, partial, bytes }) => ({
      timestampMs: BigInt(Math.max(0, Math.trunc(timestampMs))),
      line,
      stderr: stream === 'stderr',
      partial,
      ...(bytes && { bytes: new Uint8Array(bytes) }),
    }))
    const logLines = first.number + lines.length - 1
    await lease.report({ case: 'logs', value: { firstLine: BigInt(first.number), lines: batch } }, { logLines })
    await caughtUp()
  }
  const caughtUp = async (): Promise<void> => {
    while (lease.backlogBytes > MAX_BACKLOG_BYTES && init.isHeard() && !signal.aborted) {
      const look = new AbortController()
      const looked = clock.sleep(BACKLOG_LOOK_MS, AbortSignal.any([look.signal, signal])).catch(() => undefined)
      await Promise.race([lease.nextChange(), looked])
      look.abort()
    }
  }
  const flushMs = (): number => (init.isHeard() ? init.logFlushMs : UNHEARD_FLUSH_MS)
  const again = (error: unknown, attempt: number): boolean => isGone(error) || (!isFinal(error) && attempt < LOG_TRIES)
  try {
    await retried(clock, signal, again, async () => {
      await pumpLogs({ clock, write, flushMs }, engine.logs(name, lease.progress.logLines + 1, { signal }), signal)
    })
    return ''
  } catch (error) {
    if (signal.aborted) return ''
    logger.warn({ lease: lease.id, error: String(error) }, 'output is no longer read')
    await write([noteLine(lease.progress.logLines + 1, clock.nowMs(), error)])
    return `The log ends early: ${whyOf(error)}.`
  }
}

/** Reports a sample about every `statsMs`, and calls back with it. Never rejects. */
export async function followStats(
  { engine, clock, logger, lease, name }: FollowComponents,
  statsMs: number,
  signal: AbortSignal,
  onSample: (sample: StatsSample) => void,
): Promise<void> {
  try {
    await clock.sleep(Math.min(STATS_DELAY_MS, statsMs), signal)
    await retried(clock, signal, isGone, async () => {
      for await (const sample of engine.stats(name, statsMs, { signal })) {
        if (signal.aborted) return
        onSample(sample)
        await lease.report({ case: 'stats', value: wireStats(sample) })
      }
    })
  } catch (error) {
    // The job goes on without its figures.
    if (!signal.aborted) logger.warn({ lease: lease.id, error: String(error) }, 'use is no longer measured')
  }
}

/** Calls back with each limit that the container meets. */
export async function followLimits(
  { engine, clock, logger, lease, name }: FollowComponents,
  signal: AbortSignal,
  onMet: (limit: MetLimit) => void,
): Promise<void> {
  try {
    await retried(clock, signal, isGone, async () => {
      for await (const limit of engine.limitsMet(name, { signal })) onMet(limit)
    })
  } catch (error) {
    // It only tells why a job ended that did not end well.
    if (!signal.aborted) logger.debug({ lease: lease.id, error: String(error) }, 'limits are no longer looked at')
  }
}

/** Ends the container when its duration, extensions included, has been metered. */
export async function watchDuration({ clock, lease }: FollowComponents, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && lease.progress.stopping === null) {
    const leftMs = lease.progress.durationSeconds * 1000 - lease.meter.read()
    if (leftMs <= 0) return await lease.requestStop('expired')
    // Timers take no more than 2^31 ms; looking once a minute is cheap. Aborted: the loop ends.
    await clock.sleep(Math.min(leftMs, 60_000), signal).catch(() => undefined)
  }
}

/**
 * With `onDisconnect: stop`, ends the container when the requester was out of touch for the lease's timeout; soon, where
 * it is ending already.
 */
export async function watchContact(clock: Clock, lease: Lease, signal: AbortSignal): Promise<void> {
  const { onDisconnect, leaseTimeoutMs } = lease.record
  while (onDisconnect === 'stop' && !signal.aborted) {
    const leftMs = lease.contactMs + leaseTimeoutMs - clock.monotonicMs()
    if (leftMs <= 0) {
      lease.hasten()
      return lease.progress.stopping === null ? await lease.requestStop('disconnected') : undefined
    }
    // Aborted: the loop ends.
    await clock.sleep(leftMs, signal).catch(() => undefined)
  }
}

/** How long after its hasty end at the latest the guard takes over, in ms. */
const GUARD_DELAY_MS = 2_000
/** How often the guard is told, in ms. */
const GUARD_EVERY_MS = 1_000

/** How long the container may live from now on without a word of its requester. */
export function guardedMs(clock: Clock, { record, contactMs }: Lease): number {
  return contactMs + record.leaseTimeoutMs + MAX_HASTY_GRACE_MS + GUARD_DELAY_MS - clock.monotonicMs()
}

/** With `onDisconnect: stop`, tells the guard again and again, until the signal aborts. */
export async function keepGuarded(
  { clock, logger, lease, name }: FollowComponents,
  guard: Guard,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    // What it was told before holds: the container ends too early rather than too late.
    await guard.hold(name, guardedMs(clock, lease)).catch((error) => logger.error({ error }, 'the guard was not told'))
    await clock.sleep(GUARD_EVERY_MS, signal).catch(() => undefined) // aborted: the loop ends
  }
}

/** The container wrote more than the engine keeps, or the engine lost lines: reading again gives nothing new. */
function isFinal(error: unknown): boolean {
  return (
    error instanceof EngineError &&
    (error.code === 'RESOURCE_LIMIT_EXCEEDED' || error.details.reason === 'log-truncated')
  )
}

function noteLine(number: number, timestampMs: number, error: unknown): LogLine {
  const line = `[cortex] further output is not kept: ${whyOf(error)}`
  return { number, stream: 'stderr', timestampMs, line, partial: false }
}

function whyOf(error: unknown): string {
  return error instanceof EngineError ? error.message : 'the engine gives it no longer'
}

function wireStats(sample: StatsSample) {
  const { gpu } = sample
  const whole = (value: number): bigint => BigInt(Math.max(0, Math.round(value)))
  return {
    timestampMs: whole(sample.timestampMs),
    cpuMillis: Math.max(0, Math.round(sample.cpuMillis)),
    memoryBytes: whole(sample.memoryBytes),
    rxBytes: whole(sample.rxBytes),
    txBytes: whole(sample.txBytes),
    ...(sample.storageBytes === null ? {} : { storageBytes: whole(sample.storageBytes) }),
    ...(gpu === undefined ? {} : { gpuMillis: Math.round(gpu.millis), gpuMemoryBytes: whole(gpu.memoryBytes) }),
  }
}
