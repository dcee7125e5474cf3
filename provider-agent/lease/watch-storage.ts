import type { StorageUse } from '../engine/index.ts'
import type { Exceeded, LeaseRecord } from '../journal/records.ts'
import { ownStorageBytes, volumeName } from './container.ts'
import { type FollowComponents, isGone } from './follow.ts'

/** Measuring may take this share of the time: a walk over a million files is not repeated every few seconds. */
const MOST_MEASURING = 0.1

/**
 * Each how many looks, the first included, it is looked for what went around the storage driver's limit: a subvolume of
 * btrfs counts apart, and with XFS a file's owner may give it to another project.
 */
const HELD_EVERY = 3

/** A limit that something holds was met by a container that used this share of it and did not end well. */
const HELD_SHARE = 0.95

/**
 * Ends the container when it, or a volume of it, takes more of the disk than was asked for. Where the storage driver holds
 * it to that, it cannot, unless it went around the limit.
 */
export async function watchStorage(
  { engine, clock, logger, lease, name }: FollowComponents,
  storageMs: number,
  signal: AbortSignal,
): Promise<void> {
  let pauseMs = storageMs
  for (let looks = 1; !signal.aborted && !lease.stopSignal.aborted; looks += 1) {
    await clock.sleep(pauseMs, signal).catch(() => undefined) // aborted: the loop ends
    if (signal.aborted) return
    const beganMs = clock.monotonicMs()
    try {
      const exceeded = beyond(lease.record, await engine.storage(name, { signal, around: looks % HELD_EVERY === 1 }))
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
 * @param failed whether the container ended by itself and not well: then one that it could not go beyond counts from shortly
 * before it
 */
export function beyond(record: LeaseRecord, use: StorageUse, failed = false): Exceeded | null {
  const shareOf = (isHeld: boolean): number => (failed && isHeld ? HELD_SHARE : 1)
  const own: Exceeded = { what: 'storage', limit: ownStorageBytes(record), used: use.ownBytes }
  const volumes = (record.job.volumes ?? []).map(
    ({ name, sizeBytes }): Exceeded => ({
      ...{ what: 'volume', volume: name, limit: sizeBytes },
      used: use.volumes[volumeName(record, name)] ?? 0,
    }),
  )
  if (own.used > own.limit * shareOf(use.isHeld)) return own
  return volumes.find(({ limit, used }) => used > limit * shareOf(use.areVolumesHeld)) ?? null
}
