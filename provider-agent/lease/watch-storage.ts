import type { StorageUse } from '../engine/index.ts'
import type { Exceeded, LeaseRecord } from '../journal/records.ts'
import { ownStorageBytes, volumeName } from './container.ts'
import { type FollowComponents, isGone } from './follow.ts'

/** Measuring may take this share of the time: a walk over a million files is not repeated every few seconds. */
const MOST_MEASURING = 0.1

/**
 * Ends the container when it, or a volume of it, takes more of the disk than was asked for. A storage driver's own limit
 * is met before; but it knows nothing of volumes.
 */
export async function watchStorage(
  { engine, clock, logger, lease, name }: FollowComponents,
  storageMs: number,
  signal: AbortSignal,
): Promise<void> {
  let pauseMs = storageMs
  while (!signal.aborted && !lease.stopSignal.aborted) {
    await clock.sleep(pauseMs, signal).catch(() => undefined) // aborted: the loop ends
    if (signal.aborted) return
    const beganMs = clock.monotonicMs()
    try {
      const exceeded = beyond(lease.record, await engine.storage(name, { signal }))
      if (exceeded !== null) await lease.exceed(exceeded)
    } catch (error) {
      if (!signal.aborted && !isGone(error)) {
        logger.warn({ lease: lease.id, error: String(error) }, 'use of the disk was not measured')
      }
    }
    pauseMs = Math.max(storageMs, (clock.monotonicMs() - beganMs) / MOST_MEASURING)
  }
}

/**
 * The first limit of a job's storage that it went beyond.
 *
 * @param share of the limit from where on it counts; below 1 for a container that met a hard limit and ended by it
 */
export function beyond(record: LeaseRecord, use: StorageUse, share = 1): Exceeded | null {
  const own: Exceeded = { what: 'storage', limit: ownStorageBytes(record), used: use.ownBytes }
  const volumes = (record.job.volumes ?? []).map(
    ({ name, sizeBytes }): Exceeded => ({
      ...{ what: 'volume', volume: name, limit: sizeBytes },
      used: use.volumes[volumeName(record, name)] ?? 0,
    }),
  )
  return [own, ...volumes].find(({ limit, used }) => used > limit * share) ?? null
}
