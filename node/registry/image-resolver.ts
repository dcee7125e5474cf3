/** What a registry says of an image before anybody is asked to run it: which bytes its name means, and for what they are. */

import { createHash } from 'node:crypto'
import PQueue from 'p-queue'
import { registryOf } from '../../protocol/image-registry.ts'
import { MAX_IMAGE_CONFIG_BYTES } from '../../protocol/limits.ts'
import { isImageDigest, type ResolvedImage } from '../../protocol/platforms.ts'
import { orAborted, whenAborted } from '../abort.ts'
import type { Clock } from '../clock.ts'
import { deadline } from '../deadline.ts'
import type { Logger } from '../logger.ts'
import type { RegistryAccess } from './access.ts'
import { RegistryFailure } from './failure.ts'
import { layerBytes, RunsNowhere, readManifest, readPlatforms } from './manifest.ts'
import type { RegistryCredentials } from './repository.ts'
import { openRegistrySession, type RegistrySession } from './session.ts'

/** Asks registries about images; see {@link createImageResolver}. */
export interface ImageResolver {
  /**
   * Null where its registry does not say within a moment: it is not reached, wants other credentials, has no such image.
   * Never rejects but with the signal's reason.
   */
  resolve(
    image: string,
    credentials: RegistryCredentials | undefined,
    signal: AbortSignal,
  ): Promise<ResolvedImage | UnusableImage | null>
}

/** An image that no machine can run: to be told to whoever names it, and asked of nobody. */
export interface UnusableImage {
  /** What is wrong with it, for people. */
  problem: string
}

/** What {@link createImageResolver} works with. */
export interface ImageResolverComponents {
  access: RegistryAccess
  clock: Clock
  logger: Logger
}

/** How long a job waits for its registry at most, in ms. */
const WAIT_MS = 2_000
/** How long it may take to find out how large an image is: who has to ask once more for that stops in time, in ms. */
const SIZE_WITHIN_MS = 1_500
/** How long a registry that was not reached, or asks for patience, is left alone, in ms. */
const AWAY_MS = 60_000
/** Images whose platforms and sizes are remembered; a digest always means the same. */
const MAX_KNOWN = 4_096
/** Registries that are remembered to be away. */
const MAX_AWAY = 256
const AT_A_TIME = 16

/** Nothing is known at first; in memory. Who asks for the same at one time shares the answer. */
export function createImageResolver({ access, clock, logger }: ImageResolverComponents): ImageResolver {
  const queue = new PQueue({ concurrency: AT_A_TIME })
  const known = new Map<string, Omit<ResolvedImage, 'digest'>>()
  const away = new Map<string, number>()
  const underway = new Map<string, Promise<ResolvedImage | UnusableImage | null>>()

  /** @param early aborts while there is time to tell what is known by then */
  async function contentOf(session: RegistrySession, digest: string, early: AbortSignal) {
    const before = known.get(digest)
    if (before !== undefined) return before
    const { bytes } = await session.manifest(digest)
    const found = readPlatforms(bytes)
    const platforms = Array.isArray(found)
      ? found
      : readPlatforms(await session.blob(found.config, MAX_IMAGE_CONFIG_BYTES))
    if (!Array.isArray(platforms)) throw new RegistryFailure('invalid-image', 'the configuration is none')
    // Images of one index are about alike.
    const size =
      layerBytes(bytes) ?? (await orAborted(sizeOf(session, bytes, platforms), early).catch(unlessAborted(early)))
    const content = { platforms, ...(size === null ? {} : { bytes: size }) }
    remember(known, digest, content, MAX_KNOWN)
    return content
  }

  /** Of the image that an index has for one of these platforms; null where that cannot be found out, which nobody needs. */
  async function sizeOf(session: RegistrySession, index: Buffer, platforms: string[]): Promise<number | null> {
    try {
      const entry = readManifest(index, platforms)
      if (entry.kind === 'image') return null
      return layerBytes((await session.manifest(entry.digest)).bytes)
    } catch (error) {
      if (error instanceof RegistryFailure) return null
      throw error
    }
  }

  async function ask(
    image: string,
    credentials: RegistryCredentials | undefined,
  ): Promise<ResolvedImage | UnusableImage | null> {
    const { repository, reference } = partsOf(image)
    const { host } = repository
    // What is rationed is so for whoever was counted: who shows a password, or all who show none.
    const rationed = keyOf(host, credentials)
    if ([`${host} away`, rationed].some((key) => (away.get(key) ?? 0) > clock.monotonicMs())) return null
    const limit = deadline(clock, WAIT_MS)
    const early = deadline(clock, SIZE_WITHIN_MS)
    const over = new AbortController()
    try {
      const signal = AbortSignal.any([limit.signal, over.signal])
      const session = openRegistrySession(access, repository, credentials, signal)
      const digest = isImageDigest(reference)
        ? reference
        : ((await session.look(reference)) ?? (await session.manifest(reference)).digest)
      return { digest, ...(await contentOf(session, digest, early.signal)) }
    } catch (error) {
      if (error instanceof RunsNowhere) return { problem: error.message }
      const reason = error instanceof RegistryFailure ? error.reason : 'registry-too-slow'
      logger.debug({ image, reason }, 'the registry does not say what an image is')
      const isAway = ['registry-unreachable', 'registry-too-slow'].includes(reason)
      const key = isAway ? `${host} away` : rationed
      if (isAway || reason === 'rate-limited') remember(away, key, clock.monotonicMs() + AWAY_MS, MAX_AWAY)
      return null
    } finally {
      limit.clear()
      early.clear()
      over.abort(new RegistryFailure('registry-too-slow', 'nobody waits for it'))
    }
  }

  return {
    async resolve(image, credentials, signal) {
      const key = keyOf(image, credentials)
      const before = underway.get(key)
      const limit = deadline(clock, WAIT_MS, signal)
      const asked = before ?? queue.add(async () => await ask(image, credentials)).finally(() => underway.delete(key))
      underway.set(key, asked)
      try {
        const resolved = await Promise.race([asked, whenAborted(limit.signal).then(() => null)])
        signal.throwIfAborted()
        return resolved
      } finally {
        limit.clear()
      }
    },
  }
}

/** For what is nice to know. */
function unlessAborted(signal: AbortSignal): (error: unknown) => null {
  return (error) => {
    if (signal.aborted) return null
    throw error
  }
}

/** As `docker pull` reads it: no tag means `latest`, and a digest wins over a tag. */
function partsOf(image: string) {
  const [, name = '', tag = 'latest', digest] = /^(.*?)(?::([^:/@]+))?(?:@(.+))?$/.exec(image) ?? []
  return { repository: registryOf(name), reference: digest ?? tag }
}

/** Holds no credentials in clear. */
function keyOf(image: string, credentials: RegistryCredentials | undefined): string {
  if (credentials === undefined) return image
  const { serverAddress, username, password } = credentials
  return `${image} ${createHash('sha256')
    .update(JSON.stringify([serverAddress, username, password]))
    .digest('hex')}`
}

/** The oldest goes where there are too many. */
function remember<T>(map: Map<string, T>, key: string, value: T, most: number): void {
  map.delete(key)
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > most && oldest !== undefined) map.delete(oldest)
}
