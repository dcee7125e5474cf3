/**
 * Volumes outlive their containers: the next attempt of a job finds what the one before left. They go when the job is over,
 * or, where only the requester knows that, after a while without another attempt. Those that a job keeps are none of these:
 * see `volumes/kept-volumes.ts`.
 */

import { always, retried } from '../../node/backoff.ts'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import type { ContainerEngine } from '../engine/index.ts'
import { inputLabel } from '../engine/input-volumes.ts'
import { keptLabel } from '../engine/labels.ts'
import { removeSurely } from '../engine/remove-surely.ts'
import { hasOwnVolume } from '../inputs/place.ts'
import type { LeaseEnd, LeaseRecord } from '../journal/records.ts'

/** Whose job it is, and which. */
export type JobKey = Pick<LeaseRecord, 'requester' | 'jobId'>

/** Sees to it that volumes of jobs which are over do not stay. */
export interface VolumeKeeper {
  /** The container of an attempt is gone. */
  ended(record: LeaseRecord, end: LeaseEnd | null): void
  /** Sees to what an earlier process left. */
  start(): Promise<void>
  /** Resolves when nothing goes on. The signal that ends it is the one it was made with. */
  stop(): Promise<void>
}

/** What {@link createVolumeKeeper} works with. */
export interface VolumeKeeperComponents {
  engine: Pick<ContainerEngine, 'volumes' | 'removeVolume'>
  clock: Clock
  logger: Logger
  /** Whether an attempt of the job is here that has not ended. */
  isRunning: (job: JobKey) => boolean
}

/**
 * @param init.owner peer id that marks this agent's volumes
 * @param init.retentionMs how long they wait for another attempt, in ms
 * @param signal the agent stops: what waits is left for its next start
 */
export function createVolumeKeeper(
  { engine, clock, logger, isRunning }: VolumeKeeperComponents,
  { owner, retentionMs }: { owner: string; retentionMs: number },
  signal: AbortSignal,
): VolumeKeeper {
  const tasks = new Set<Promise<void>>()

  function removeLater(job: JobKey, names: string[] | null, afterMs: number): void {
    const task = remove(job, names, afterMs)
      .catch((error) => {
        if (!signal.aborted) logger.warn({ job: job.jobId, error: String(error) }, 'a volume was not removed')
      })
      .finally(() => tasks.delete(task))
    tasks.add(task)
  }

  /** @param names null is all that the job has here */
  async function remove(job: JobKey, names: string[] | null, afterMs: number): Promise<void> {
    if (afterMs > 0) await clock.sleep(afterMs, signal)
    // Its end is told here, too.
    if (isRunning(job)) return
    for (const name of names ?? (await volumesOf(job))) {
      await removeSurely(clock, signal, async (until) => {
        if (!isRunning(job)) await engine.removeVolume(name, { signal: until })
      })
    }
  }

  /** An engine that is away, or answers with an error because it is being stopped, comes back with its volumes. */
  async function onceThere<T>(task: () => Promise<T>): Promise<T> {
    return await retried(clock, signal, always, task)
  }

  async function volumesOf({ jobId, requester }: JobKey): Promise<string[]> {
    return (await onceThere(async () => await engine.volumes(owner, { signal })))
      .filter(({ labels }) => labels['cortex.job'] === jobId && labels['cortex.requester'] === requester)
      .filter(({ labels }) => labels[keptLabel] === undefined)
      .map(({ name }) => name)
  }

  return {
    ended(record, end) {
      const { volumes = [], inputs = [] } = record.job
      const hasVolumes = volumes.some(({ kept }) => kept === undefined) || inputs.some(hasOwnVolume)
      if (hasVolumes) removeLater(record, null, isOver(end) ? 0 : retentionMs)
    },
    async start() {
      for (const { name, labels } of await onceThere(async () => await engine.volumes(owner, { signal }))) {
        const { 'cortex.job': jobId, 'cortex.requester': requester = '', [keptLabel]: kept } = labels
        if (kept !== undefined) continue // it is `KeptVolumes` that sees to it
        // What jobs brought is kept for others of the same requester.
        if (jobId === undefined && labels[inputLabel] !== undefined) continue
        removeLater({ jobId: jobId ?? '', requester }, [name], retentionMs)
      }
    },
    stop: async () => void (await Promise.allSettled(tasks)),
  }
}

/** Whether no requester asks for another attempt after this. */
function isOver(end: LeaseEnd | null): boolean {
  return end?.outcome === 'cancelled' || (end?.outcome === 'exited' && end.exitCode === 0)
}
