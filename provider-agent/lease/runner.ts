/**
 * Drives one container through its life. Every step may be repeated, so a restarted agent runs the same code: what it
 * finds on the engine decides where it goes on. Nothing is ever started twice.
 */

import type { ContainerAccess } from '../engine/access.ts'
import { isOwnFault } from '../engine/errors.ts'
import type { ContainerExit } from '../engine/index.ts'
import { removeSurely } from '../engine/remove-surely.ts'
import type { Guard } from '../guard/guard.ts'
import type { StopReason } from '../journal/records.ts'
import type { CollectedOutput } from '../outputs/collect.ts'
import { containerName } from './container.ts'
import { brokenOff, endedFromOutside } from './ended-outside.ts'
import { type Ending, endingOfError, endingOfExit, endingOfOutside, endingOfStop, LeaseBrokenError } from './ending.ts'
import { createExceededLimits } from './exceeded.ts'
import { guardedMs, keepGuarded, watchContact } from './follow.ts'
import type { Lease } from './lease.ts'
import { createStandardInput } from './standard-input.ts'
import { type StartComponents, type StartInit, startContainer } from './start-container.ts'
import { AWAY_AT_END, type Sight, type WatchInit, watchContainer } from './watch-container.ts'

/** What {@link runLease} works with. */
export interface RunnerComponents extends StartComponents {
  /** Ends containers where this process cannot. @default none */
  guard?: Guard | undefined
  /** Reaches its ports. @default they are not looked at */
  access?: ContainerAccess | undefined
  /** Whether containers run on while their engine is away. */
  outlived: () => boolean
  /** Somebody else ended a container. */
  onOutside: () => void
  /** The engine did not start a container, for a reason of its own. @param isolation its class; undefined is the default */
  onUnstarted: (isolation: string | undefined) => void
  /** Keeps what an ended container left. */
  collect: (lease: Lease, name: string, signal: AbortSignal) => Promise<CollectedOutput | null>
}

/** How the container of one lease is run. */
export interface RunnerInit extends StartInit, WatchInit {
  /** Time between two words to the requester of how long the container has run, in ms. */
  heartbeatMs: number
}

/** How late such a word may be, in ms. */
const LATE_MS = 1_500

/** Resolves when the container is gone and the lease has its last report, or when `signal` (the agent stops) aborts. */
export async function runLease(
  components: RunnerComponents,
  lease: Lease,
  init: RunnerInit,
  signal: AbortSignal,
): Promise<void> {
  const { engine, clock } = components
  const { record } = lease
  const logger = components.logger.child({ part: 'runner' })
  const parts = { ...components, logger }
  const name = containerName(record)
  const over = new AbortController()
  const running = AbortSignal.any([signal, over.signal])
  const follow = { engine, clock, logger, lease, name }
  const exceeded = createExceededLimits(follow, signal)
  const hadEnded = init.found?.state === 'exited'
  const stdin = createStandardInput(parts, lease)
  const sight: Sight = { away: hadEnded, logProblem: '', guardedAt: null }

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
        over.abort()
        await contact
        await guarded
      }
    }
    await remove(components, lease, signal)
    await guard?.release(name)
  }

  async function live(): Promise<[Ending, ContainerExit | null]> {
    try {
      const begun = await startContainer(parts, lease, { ...init, stdin }, signal)
      if (begun === 'stopped')
        return [endingOfStop(lease.progress.stopping ?? 'cancelled', null, lease.progress.ownerSaid), null]
      if (begun === 'unseen') Object.assign(sight, { away: true, logProblem: AWAY_AT_END })
      const watched = { ...parts, ...follow, exceeded }
      const exit = await watchContainer(watched, { ...init, sight, hadEnded, stdin }, over, signal)
      const stopping = stoppedBy()
      if (stopping === null && endedFromOutside(exit, sight.away)) {
        components.onOutside()
        return [endingOfOutside(sight.away ? 'engine-stopped' : 'stopped-by-provider', exit.exitCode), exit]
      }
      const { durationSeconds, ownerSaid } = lease.progress
      const limits = { durationSeconds, ownerSaid, memoryBytes: record.resources.memoryBytes }
      return [endingOfExit(exit, stopping, { ...limits, exceeded: await exceeded.behind(exit, stopping) }), exit]
    } catch (error) {
      signal.throwIfAborted()
      const { stopping, ownerSaid } = lease.progress
      if (lease.stopSignal.aborted && stopping !== null && !lease.meter.running)
        return [endingOfStop(stopping, null, ownerSaid), null]
      logger.warn({ lease: lease.id, error: String(error) }, 'the container could not run')
      if (lease.progress.startedAtMs === null && isOwnFault(error)) components.onUnstarted(record.job.isolation)
      return [endingOfError(broken(error)), null]
    }
  }

  /** What became of a container that had begun to run, where the engine has no more to say of it. */
  function broken(error: unknown): unknown {
    const why = lease.progress.startedAtMs === null ? error : brokenOff(error)
    if (why instanceof LeaseBrokenError && why !== error) components.onOutside()
    return why
  }

  async function end(ending: Ending, exit: ContainerExit | null): Promise<void> {
    signal.throwIfAborted()
    // However long its removal takes.
    if (exit === null) lease.breakOff(init.heartbeatMs + LATE_MS)
    // A container that could not be followed must not run on after its end was told; where its engine's end is its own, it
    // does not, and only a job that may never run twice waits for the engine to say so.
    const isDoomed = sight.away && !components.outlived() && record.onDisconnect !== 'stop'
    if (exit === null && !isDoomed) await removeBeforeEnd()
    // Nobody wants to hear of a stale one.
    if (lease.progress.stopping === 'stale') return
    const output = exit === null ? null : await components.collect(lease, name, signal)
    await lease.end(ending, Math.trunc(exit?.finishedAtMs ?? clock.nowMs()), output, sight.logProblem)
  }

  /** Whatever the engine says: a requester that hears of no end waits for ever. */
  async function removeBeforeEnd(): Promise<void> {
    const tries = record.onDisconnect === 'stop' ? Number.POSITIVE_INFINITY : undefined
    try {
      await remove(components, lease, signal, tries)
    } catch (error) {
      signal.throwIfAborted()
      logger.warn({ lease: lease.id, error: String(error) }, 'its end is told before its container is removed')
    }
  }

  /** What ended the container. A duration that passed only while the engine was away, after the end, did not. */
  function stoppedBy(): StopReason | null {
    const { stopping, durationSeconds } = lease.progress
    if (stopping === null && sight.guardedAt !== null) return 'disconnected'
    return stopping === 'expired' && lease.meter.read() + 1_000 < durationSeconds * 1000 ? null : stopping
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

/**
 * Its address and its network are the next container's once it is gone, and what still went there would go to somebody
 * else's: a stale lease has no other end than this one.
 */
async function remove(
  { engine, clock }: RunnerComponents,
  lease: Lease,
  signal: AbortSignal,
  tries?: number,
): Promise<void> {
  lease.close()
  const name = containerName(lease.record)
  await removeSurely(clock, signal, async (until) => await engine.remove(name, { signal: until }), tries)
}
