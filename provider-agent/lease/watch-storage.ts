import { isGone } from '../engine/errors.ts'
import type { StorageUse } from '../engine/index.ts'
import type { Exceeded, LeaseRecord } from '../journal/records.ts'
import { ownStorageBytes, suffixOf } from './container.ts'
import type { FollowComponents } from './follow.ts'

/** Measuring may take this share of the time: a walk over a million files is not repeated every few seconds. */
const MOST_MEASURING = 0.1

/** The longest pause between two looks, in ms: what takes long on a busy machine is mostly waiting, which costs nobody. */
const LONGEST_PAUSE_MS = 60_000

/**
 * Each how many looks, the first included, it is looked for what went around the storage driver's limit: a subvolume of
 * btrfs counts apart, and with XFS a file's owner may give it to another project.
 */
const HELD_EVERY = 3

/**
 * A limit that something holds was met by a container that came so near to it and did not end well: by a twentieth of the
 * limit or 2 MiB, a quarter of it at most. What holds it refuses before it is full: btrfs sets aside what a write may need
 * besides, and the more the busier it is.
 */
const HELD_NEAR = { share: 0.05, bytes: 2 * 1024 ** 2, most: 0.25 }

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
      const use = await engine.storage(name, { signal, around: looks % HELD_EVERY === 1 })
      lease.storage.use = use
      const exceeded = beyond(lease.record, use)
      if (exceeded !== null) await lease.exceed(exceeded)
    } catch (error) {
      if (!signal.aborted && !isGone(error)) {
        logger.warn({ lease: lease.id, error: String(error) }, 'use of the disk was not measured')
      }
    }
    const sparingMs = Math.min(LONGEST_PAUSE_MS, (clock.monotonicMs() - beganMs) / MOST_MEASURING)
    pauseMs = Math.max(storageMs, sparingMs)
  }
}

/**
 * The first limit of a job's storage that it went beyond.
 *
 * @param failed whether the container ended by itself and not well: then one that it could not go beyond counts from shortly
 * before it
 */
export function beyond(record: LeaseRecord, use: StorageUse, failed = false): Exceeded | null {
  const isMet = ({ used, limit }: Exceeded, isHeld: boolean): boolean =>
    used > (failed && isHeld ? limit - nearness(limit) : limit)
  const { own, volumes } = limitsOf(record, use)
  if (isMet(own, use.isHeld)) return own
  return volumes.find((volume) => isMet(volume, use.areVolumesHeld)) ?? null
}

/**
 * What may be written, wherever in the container, before one of a job's limits of storage ends it, in bytes; infinite where all
 * of them are held, and refuse what is too much.
 *
 * @param use null before it was measured: then nothing
 */
export function freeBytes(record: LeaseRecord, use: StorageUse | null): number {
  if (use === null) return 0
  const { own, volumes } = limitsOf(record, use)
  const measured = [...(use.isHeld ? [] : [own]), ...(use.areVolumesHeld ? [] : volumes)]
  return Math.min(...measured.map(({ limit, used }) => Math.max(0, limit - used)))
}

/** A job's limits of storage, and what is used of each. */
function limitsOf(record: LeaseRecord, use: StorageUse): { own: Exceeded; volumes: Exceeded[] } {
  const own: Exceeded = { what: 'storage', limit: ownStorageBytes(record), used: use.ownBytes }
  const volumes = (record.job.volumes ?? []).map(
    (volume): Exceeded => ({
      ...{ what: 'volume', volume: volume.name, limit: volume.sizeBytes },
      used: Object.entries(use.volumes).find(([name]) => name.endsWith(suffixOf(volume)))?.[1] ?? 0,
    }),
  )
  return { own, volumes }
}

function nearness(limit: number): number {
  const { share, bytes, most } = HELD_NEAR
  return Math.min(most * limit, Math.max(share * limit, bytes))
}
