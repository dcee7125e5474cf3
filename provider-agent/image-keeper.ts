/**
 * Images that jobs brought: kept for the next job while there is room, and removed when the disk runs short, the longest
 * unused first. Only those that this agent pulled itself, which its journal remembers; the owner's are never touched.
 */

import type { Clock } from '../node/clock.ts'
import type { Logger } from '../node/logger.ts'
import { createKeyedQueue } from '../node/store/keyed-queue.ts'
import {
  type AbortOptions,
  type ContainerEngine,
  EngineError,
  type ImageInfo,
  type PulledImage,
  type PullRequest,
} from './engine/index.ts'
import { parseReference } from './engine/reference.ts'
import type { Journal } from './journal/journal.ts'

/** As the journal keeps it. */
export interface ImageRecord extends PulledImage {
  /** When a job last began or ended with it, in ms since the epoch. */
  usedAtMs: number
}

export interface ImageKeeper {
  /**
   * As the engine's own, and keeps the image until `release` of the same lease. Where the disk has no room it makes some,
   * and tries once more.
   */
  pull(leaseId: string, request: PullRequest, options: AbortOptions): Promise<ImageInfo>
  /** The lease needs its image no longer. Repeating it is no error. */
  release(leaseId: string): Promise<void>
  /** Removes what no lease needs until enough is free, or nothing is left to remove. Answers how many went. */
  makeRoom(options?: { atLeast?: number; signal?: AbortSignal }): Promise<number>
}

export interface ImageKeeperComponents {
  engine: Pick<ContainerEngine, 'pull' | 'removeImage'>
  journal: Pick<Journal, 'images' | 'saveImage' | 'dropImage'>
  clock: Clock
  logger: Logger
  /** Free bytes under the engine's data root, now. */
  freeBytes: () => Promise<number>
}

export interface ImageKeeperInit {
  /** Free bytes below which images go. */
  minFreeBytes: number
}

/** An image that a lease is to find: by name before it is pulled, by id as well after that. */
interface Hold {
  name: string
  imageId: string | null
}

export async function createImageKeeper(
  { engine, journal, clock, logger, freeBytes }: ImageKeeperComponents,
  { minFreeBytes }: ImageKeeperInit,
): Promise<ImageKeeper> {
  const images = new Map((await journal.images()).map((record) => [record.imageId, record]))
  const holds = new Map<string, Hold>()
  /** Nothing is removed while a hold is taken, and none is taken while something is removed. */
  const turns = createKeyedQueue()

  async function save(record: ImageRecord): Promise<void> {
    images.set(record.imageId, record)
    await journal.saveImage(record)
  }

  async function forget({ imageId }: ImageRecord): Promise<void> {
    images.delete(imageId)
    await journal.dropImage(imageId)
  }

  /** Takes down what a pull brought. An image that was there before, or whose name was, is somebody else's. */
  async function note({ imageId, fetched }: ImageInfo): Promise<void> {
    const known = images.get(imageId)
    const usedAtMs = clock.nowMs()
    const names = fetched?.names ?? []
    if (known !== undefined) {
      const all = [...new Set([...known.names, ...(isOwn(fetched?.replaced ?? null) ? names : [])])]
      await save({ imageId, names: all, usedAtMs })
    } else if (fetched?.isNew === true && isOwn(fetched.replaced)) {
      await save({ imageId, names, usedAtMs })
    }
  }

  /** Whether a name was free, or meant an image of this agent's. */
  function isOwn(replaced: string | null): boolean {
    return replaced === null || images.has(replaced)
  }

  function isHeld({ imageId, names }: ImageRecord): boolean {
    return [...holds.values()].some((hold) => hold.imageId === imageId || names.includes(hold.name))
  }

  async function removed(record: ImageRecord, signal: AbortSignal | undefined): Promise<boolean> {
    return await turns.run('all', async () => {
      if (isHeld(record)) return false
      const outcome = await engine.removeImage(record, signal === undefined ? {} : { signal })
      if (outcome === 'in-use') return false
      await forget(record)
      logger.info({ image: record.names[0] ?? record.imageId, outcome }, 'an unused image was let go')
      return outcome === 'removed'
    })
  }

  async function makeRoom({ atLeast = 0, signal }: { atLeast?: number; signal?: AbortSignal } = {}): Promise<number> {
    let gone = 0
    const oldestFirst = [...images.values()].sort((a, b) => a.usedAtMs - b.usedAtMs)
    for (const record of oldestFirst) {
      if (gone >= atLeast && (await freeBytes()) >= minFreeBytes) break
      if (await removed(record, signal)) gone += 1
    }
    return gone
  }

  return {
    async pull(leaseId, request, options) {
      const hold: Hold = { name: parseReference(request.image).full, imageId: null }
      await turns.run('all', async () => void holds.set(leaseId, hold))
      let info: ImageInfo
      try {
        info = await engine.pull(request, options)
      } catch (error) {
        if (!isFull(error) || (await makeRoom({ ...options, atLeast: 1 })) === 0) throw error
        info = await engine.pull(request, options)
      }
      hold.imageId = info.imageId
      await note(info)
      return info
    },
    async release(leaseId) {
      const { imageId = null } = holds.get(leaseId) ?? {}
      if (!holds.delete(leaseId) || imageId === null) return
      const known = images.get(imageId)
      if (known !== undefined) await save({ ...known, usedAtMs: clock.nowMs() })
    },
    makeRoom,
  }
}

function isFull(error: unknown): boolean {
  return error instanceof EngineError && error.code === 'IMAGE_PULL_ERROR' && error.details.reason === 'no-space'
}
