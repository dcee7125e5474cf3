import { onAbort } from '../../../node/abort.ts'
import type { Clock } from '../../../node/clock.ts'
import type { Book } from '../../capacity/book.ts'
import type { ContainerSummary } from '../../engine/index.ts'
import type { KeptVolumes } from '../../volumes/kept-volumes.ts'
import type { Lease } from '../lease.ts'
import { type RunnerComponents, runLease } from '../runner.ts'
import type { VolumeKeeper } from '../volume-keeper.ts'
import type { WatchInit } from '../watch-container.ts'
import type { HeldLeases } from './held-leases.ts'

/** What {@link createRunning} works with. */
export interface RunningComponents {
  runner: RunnerComponents
  held: HeldLeases
  book: Pick<Book, 'release'>
  volumes: Pick<VolumeKeeper, 'ended'>
  kept: Pick<KeptVolumes, 'hold' | 'ended'>
  /** Whether its requester follows at the moment. */
  isHeard: (lease: Lease) => boolean
}

/** Times, in ms; see `AgentInit`. */
export interface RunningInit extends Omit<WatchInit, 'isHeard'> {
  /** As in `RunnerInit`. */
  heartbeatMs: number
  /** How long a lease is kept whose requester does not come for its last report, in ms. */
  endedRetentionMs: number
}

/** Runs the containers of leases, each to its end and beyond, until its requester has the last report. */
export interface Running {
  /** @param found what the engine has of it @param adopted whether an earlier process began it */
  run(lease: Lease, found: ContainerSummary | null, adopted: boolean): void
  /** Resolves when nothing goes on any more. */
  idle(): Promise<void>
}

/** @param signal the agent stops: containers and leases stay as they are */
export function createRunning(components: RunningComponents, init: RunningInit, signal: AbortSignal): Running {
  const { runner, held, book, volumes, kept } = components
  const { clock, logger } = runner
  const { heartbeatMs, logFlushMs, statsMs, storageMs, endpointsMs } = init
  const tasks = new Set<Promise<void>>()

  /** A job's older attempts on this machine are over before a newer one begins. */
  async function olderAttempts({ record }: Lease): Promise<void> {
    const older = held.ofJob(record).filter(({ lease }) => lease.record.fence < record.fence)
    await Promise.all(
      older.map(async ({ lease, done }) => {
        await lease.requestStop('stale')
        await done
      }),
    )
  }

  /** Its container is gone: lets go of it once the requester has taken the last report, or never came for it. */
  async function finished(lease: Lease): Promise<void> {
    book.release(lease.id)
    if (!signal.aborted) volumes.ended(lease.record, lease.progress.ended)
    try {
      if (!signal.aborted) await kept.ended(lease.record, lease.progress.stopping === 'stale')
      if (lease.progress.stopping === 'stale') await lease.settle(null)
      await sleepLong(clock, init.endedRetentionMs, AbortSignal.any([signal, lease.settledSignal]))
      logger.warn({ lease: lease.id }, 'the requester never took the last report')
      await lease.settle(null)
    } catch (error) {
      if (!signal.aborted && !lease.settledSignal.aborted) {
        logger.error({ lease: lease.id, error: String(error) }, 'the lease was not settled')
      }
    }
    if (lease.settledSignal.aborted) held.drop(lease.id)
  }

  return {
    run(lease, found, adopted) {
      const options = {
        found,
        adopted,
        after: olderAttempts(lease),
        heartbeatMs,
        logFlushMs,
        statsMs,
        storageMs,
        endpointsMs,
      }
      const isHeard = (): boolean => components.isHeard(lease)
      const done = runLease(runner, lease, { ...options, isHeard }, signal)
      held.put(lease, done)
      onAbort(lease.endedSignal, () => {
        kept.hold(lease.record)
        book.release(lease.id)
      })
      const over = done.then(async () => await finished(lease)).finally(() => tasks.delete(over))
      tasks.add(over)
    },
    async idle() {
      await Promise.allSettled(tasks)
    },
  }
}

/** Timers take no more than 2^31 ms. */
async function sleepLong(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  const dayMs = 24 * 3_600_000
  for (let leftMs = ms; leftMs > 0; leftMs -= dayMs) await clock.sleep(Math.min(leftMs, dayMs), signal)
}
