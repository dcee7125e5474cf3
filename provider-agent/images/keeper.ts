/**
 * Images that jobs brought: kept for the next job while there is room, and removed when the disk runs short, the longest
 * unused first. Only those that were pulled for jobs, which have names of their own; the owner's are never touched.
 */

import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { createKeyedQueue } from '../../node/store/keyed-queue.ts'
import { kindOfFailure } from '../../protocol/failures.ts'
import { registryOfImage } from '../../protocol/image-registry.ts'
import {
  type AbortOptions,
  type ContainerEngine,
  EngineError,
  type ImageInfo,
  type PullRequest,
} from '../engine/index.ts'
import type { Arrivals } from '../inputs/arrivals.ts'
import type { Journal } from '../journal/journal.ts'
import type { ImageRecord } from '../journal/records.ts'
import { createImageHoldback, type ImageUse } from './holdback.ts'
import { isPublicCopy } from './names.ts'
import { imageRoom } from './room.ts'
import { localImageAllowed } from './rules.ts'

/** A pull for a job. `room` and `mayUseLocal` are the keeper's to say, where they are left out. */
export interface KeeperRequest extends PullRequest {
  /** Peer id of whoever asks. @default "" */
  requester?: string
}

/** Gets images for leases, and lets go of those that nobody needs. */
export interface ImageKeeper {
  /**
   * As the engine's own, and keeps the image until `release` of the same lease. Where the disk has no room it makes some,
   * and tries once more.
   */
  pull(leaseId: string, request: KeeperRequest, options: AbortOptions): Promise<ImageInfo>
  /**
   * How long jobs with this image are better off elsewhere, in ms, because it could not be got here a moment ago; 0 where
   * it can be tried. An empty `digest` is whatever the image's name means.
   */
  heldBackMs(image: string, use: Omit<ImageUse, 'mayUseLocal'>): number
  /** Whether an image of this digest is here that anybody may read. */
  holds(digest: string): boolean
  /** The lease needs its image no longer. Repeating it is no error. */
  release(leaseId: string): Promise<void>
  /** Removes what no lease needs until enough is free, or nothing is left to remove. Answers how many went. */
  makeRoom(options?: { atLeast?: number; signal?: AbortSignal }): Promise<number>
}

/** What {@link createImageKeeper} works with. */
export interface ImageKeeperComponents {
  engine: Pick<ContainerEngine, 'pull' | 'removeImage'>
  journal: Pick<Journal, 'images' | 'saveImage' | 'dropImage'>
  clock: Clock
  logger: Logger
  /** Free bytes under the engine's data root, now. */
  freeBytes: () => Promise<number>
  /** Told how fast images come. @default nobody */
  arrivals?: Pick<Arrivals, 'came'>
  /** What running jobs may still write there, in bytes, at most. @default nothing */
  promisedBytes?: () => number
}

/** When images go, and which of the owner's may be run. */
export interface ImageKeeperInit {
  /** Free bytes below which images go. */
  minFreeBytes: number
  /** See `AgentInit`. @default [] */
  allowLocalImages?: string[]
  /** See `AgentInit`. @default [] */
  ownRequesters?: string[]
}

/** Takes up what the journal knows of images. No lease holds one before it pulls again. */
export async function createImageKeeper(
  { engine, journal, clock, logger, freeBytes, arrivals, promisedBytes = () => 0 }: ImageKeeperComponents,
  { minFreeBytes, allowLocalImages = [], ownRequesters = [] }: ImageKeeperInit,
): Promise<ImageKeeper> {
  const rules = { allowLocalImages, ownRequesters }
  const holdback = createImageHoldback({ clock })
  const images = new Map((await journal.images()).map((record) => [record.imageId, record]))
  /** Image id by lease. */
  const holds = new Map<string, string>()
  /** How many were removed. */
  let removals = 0
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

  /** Takes down what a pull named, now or before. What it did not name is the owner's. */
  async function note({ imageId, names }: ImageInfo): Promise<void> {
    const known = images.get(imageId)
    if (known === undefined && names.length === 0) return
    await save({ imageId, names: [...new Set([...(known?.names ?? []), ...names])], usedAtMs: clock.nowMs() })
  }

  /** Pulls, and keeps what came: again where something was removed before it could be kept. */
  async function held(leaseId: string, request: PullRequest, options: AbortOptions): Promise<ImageInfo> {
    for (;;) {
      const before = removals
      const info = await engine.pull(request, options)
      await turns.run('all', async () => void holds.set(leaseId, info.imageId))
      if (removals === before) return info
    }
  }

  function useOf(image: string, use: Omit<ImageUse, 'mayUseLocal'>): ImageUse {
    const { requester, digest } = use
    const asked = { image, requester, ...(digest === '' ? {} : { digest }) }
    return { ...use, mayUseLocal: localImageAllowed(asked, rules) }
  }

  function failed(request: KeeperRequest, use: ImageUse, { code, details, cause }: EngineError): void {
    const { image, credentials, policy, sent } = request
    if (code !== 'IMAGE_PULL_ERROR') return
    logger.warn({ image, reason: details.reason, why: String(cause ?? '') }, 'an image could not be pulled')
    // What a wrong name or password brings about says nothing of this machine.
    if (kindOfFailure({ code, details }).fault !== 'place') return
    const isAnew = policy === 'Always'
    // A copy that only this machine has was not looked at, and may do.
    if (isAnew && use.mayUseLocal) return
    holdback.failed(image, use, {
      // Others may do with what is here, or have a right of their own.
      inRequester: isAnew || credentials !== undefined || sent !== undefined,
      inPlatform: OF_PLATFORM.includes(String(details.reason)),
    })
  }

  function isHeld({ imageId }: ImageRecord): boolean {
    return [...holds.values()].includes(imageId)
  }

  async function removed(record: ImageRecord, signal: AbortSignal | undefined): Promise<boolean> {
    return await turns.run('all', async () => {
      if (isHeld(record)) return false
      const outcome = await engine.removeImage(record, signal === undefined ? {} : { signal })
      if (outcome === 'in-use') return false
      removals += 1
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
      const room = async (): Promise<number> => imageRoom(await freeBytes(), promisedBytes())
      const use = useOf(request.image, wantedBy(request))
      const asked = watched({ room, mayUseLocal: use.mayUseLocal, ...request }, { arrivals, clock })
      try {
        const info = await held(leaseId, asked, options).catch(async (error: unknown) => {
          if (!isFull(error) || (await makeRoom({ ...options, atLeast: 1 })) === 0) throw error
          return await held(leaseId, asked, options)
        })
        holdback.worked(request.image, use)
        await note(info)
        return info
      } catch (error) {
        if (error instanceof EngineError) failed(request, use, error)
        throw error
      }
    },
    async release(leaseId) {
      const imageId = holds.get(leaseId)
      if (!holds.delete(leaseId)) return
      const known = images.get(imageId ?? '')
      if (known !== undefined) await save({ ...known, usedAtMs: clock.nowMs() })
    },
    heldBackMs: (image, use) => holdback.leftMs(image, useOf(image, use)),
    holds: (digest) => [...images.values()].some(({ names }) => names.some((name) => isPublicCopy(name, digest))),
    makeRoom,
  }
}

/** Sees how fast a registry's image comes: from the first that is told of it, since somebody else may have begun. */
function watched<R extends PullRequest>(
  request: R,
  { arrivals, clock }: { arrivals: ImageKeeperComponents['arrivals']; clock: Clock },
): R {
  if (arrivals === undefined || request.sent !== undefined) return request
  let first: { bytes: number; atMs: number } | null = null
  const onProgress: NonNullable<PullRequest['onProgress']> = (progress) => {
    request.onProgress?.(progress)
    const { layersDone, layersTotal, bytesDone, bytesTotal } = progress
    const atMs = clock.monotonicMs()
    first ??= { bytes: bytesDone, atMs }
    if (layersDone < layersTotal || bytesDone < bytesTotal) return
    const what = { bytes: bytesDone - first.bytes, ms: atMs - first.atMs }
    first = { bytes: bytesDone, atMs }
    arrivals.came('registry', registryOfImage(request.image), what)
  }
  return { ...request, onProgress }
}

/** Reasons that lie in what an image is for one platform: another of its platforms may well be had. */
const OF_PLATFORM = ['wrong-architecture', 'no-space', 'image-too-large']

/** The first platform is the one that it would run as, which its bid named. */
function wantedBy({ requester = '', platforms: [platform = ''] = [], digest = '' }: KeeperRequest) {
  return { requester, platform, digest }
}

function isFull(error: unknown): boolean {
  return error instanceof EngineError && error.code === 'IMAGE_PULL_ERROR' && error.details.reason === 'no-space'
}
