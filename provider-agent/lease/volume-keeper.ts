/**
 * Volumes outlive their containers: the next attempt of a job finds what the one before left. They go when the job is over,
 * or, where only the requester knows that, after a while without another attempt.
 */

import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import type { ContainerEngine } from '../engine/index.ts'
import type { LeaseEnd, LeaseRecord } from '../journal/records.ts'
import { volumeName } from './container.ts'

/** Whose job it is, and which. */
export type JobKey = Pick<LeaseRecord, 'requester' | 'jobId'>

export interface VolumeKeeper {
  /** The container of an attempt is gone. */
  ended(record: LeaseRecord, end: LeaseEnd | null): void
  /** Sees to what an earlier process left. */
  start(): Promise<void>
  /** Resolves when nothing goes on. The signal that ends it is the one it was made with. */
  stop(): Promise<void>
}

export interface VolumeKeeperComponents {
  engine: Pick<ContainerEngine, 'volumes' | 'removeVolume'>
  clock: Clock
  logger: Logger
  /** Whether an attempt of the job is here that has not ended. */
  isRunning: (job: JobKey) => boolean
}

export function createVolumeKeeper(
  { engine, clock, logger, isRunning }: VolumeKeeperComponents,
  { owner, retentionMs }: { owner: string; retentionMs: number },
  signal: AbortSignal,
): VolumeKeeper {
  const tasks = new Set<Promise<void>>()

  function removeLater(job: JobKey, names: string[], afterMs: number): void {
    const task = remove(job, names, afterMs)
      .catch((error) => {
        if (!signal.aborted) logger.warn({ job: job.jobId, error: String(error) }, 'a volume was not removed')
      })
      .finally(() => tasks.delete(task))
    tasks.add(task)
  }

  async function remove(job: JobKey, names: string[], afterMs: number): Promise<void> {
    if (afterMs > 0) await clock.sleep(afterMs, signal)
    // Its end is told here, too.
    if (isRunning(job)) return
    for (const name of names) await engine.removeVolume(name, { signal })
  }

  return {
    ended(record, end) {
      const names = (record.job.volumes ?? []).map(({ name }) => volumeName(record, name))
      if (names.length > 0) removeLater(record, names, isOver(end) ? 0 : retentionMs)
    },
    async start() {
      for (const { name, labels } of await engine.volumes(owner, { signal })) {
        const { 'cortex.job': jobId = '', 'cortex.requester': requester = '' } = labels
        removeLater({ jobId, requester }, [name], retentionMs)
      }
    },
    stop: async () => void (await Promise.allSettled(tasks)),
  }
}

/** Whether no requester asks for another attempt after this. */
function isOver(end: LeaseEnd | null): boolean {
  return end?.outcome === 'cancelled' || (end?.outcome === 'exited' && end.exitCode === 0)
}
