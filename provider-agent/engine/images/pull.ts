/**
 * Makes images present. The agent itself asks the registry, for each requester anew whether it may read the image, and
 * hands the engine what came: the engine speaks to no registry. See docs/decisions/0043-the-agent-pulls.md.
 */

import { createHash } from 'node:crypto'
import { deadline } from '../../../node/deadline.ts'
import { RegistryFailure } from '../../../node/registry/failure.ts'
import { isFor } from '../../../node/registry/manifest.ts'
import { nativePlatforms } from '../../../protocol/platforms.ts'
import { createGrants, type Grant } from '../../images/grants.ts'
import { pulledName } from '../../images/names.ts'
import { DataError } from '../../inputs/data-error.ts'
import { toPullError } from '../errors.ts'
import type { AbortOptions, ImageInfo, PullRequest } from '../index.ts'
import { type ImageReference, parseReference } from '../reference.ts'
import { createSentLoader } from './load-sent.ts'
import { findImage, findLocal, findPulled } from './present.ts'
import { createSharedPulls } from './shared-pulls.ts'
import { createTransfer, type PullTimes, type TransferComponents } from './transfer.ts'

/** Which registries are mirrored, and how long one may take. */
export interface PullerInit {
  /** Registry → host of its mirror, with a path where it has one. */
  mirrors: Readonly<Record<string, string>>
  /** @default {@link PULL_TIMES} */
  times?: Partial<PullTimes>
}

const PULL_TIMES = { lookMs: 60_000, baseMs: 180_000 }

/**
 * The `pull` of a `ContainerEngine`. Who asks for the same image with the same credentials at one time shares a
 * download.
 */
export function createPuller(components: TransferComponents, init: PullerInit) {
  const { docker, clock, access } = components
  const times = { ...PULL_TIMES, ...init.times }
  const grants = createGrants({ clock, access }, { mirrors: init.mirrors })
  const pulls = createSharedPulls()
  const transfer = createTransfer(components, times)
  const load = createSentLoader(components)

  async function download(
    grant: Grant,
    request: PullRequest,
    { platform, platforms }: AsWhat,
    signal: AbortSignal | undefined,
  ): Promise<string> {
    const name = pulledName(grant.repository, grant.digest, grant.isPublic, platform)
    const wanted = { key: keyOf(name, request), name, grant, request, platforms }
    await pulls.join(
      wanted.key,
      async (until, onProgress) => await transfer(wanted, until, onProgress),
      // The engine finished what everybody had given up.
      async () => void (await docker.getImage(name).remove()),
      { onProgress: request.onProgress, signal },
    )
    return name
  }

  async function pull(request: PullRequest, { signal }: AbortOptions): Promise<ImageInfo> {
    const named = parseReference(request.image)
    const reference = request.digest === undefined ? named : pinned(named, request.digest)
    const { architecture } = await components.engine(signal === undefined ? {} : { signal })
    const as = asWhat(request, architecture)
    const { sent } = request
    if (sent !== undefined) return await load({ ...request, sent }, as.platforms, signal)
    const own = await findLocal(docker, named, request, signal)
    const digests = own?.RepoDigests?.filter((digest) => digest.startsWith(`${named.repository}@`)) ?? []
    // What was built here is meant by its name; what came from a registry, by its digest.
    const isMeant = request.digest === undefined || digests.length === 0 || digests.includes(reference.full)
    if (own !== null && isMeant) {
      const { Id: imageId, Architecture: is } = own
      if (!isFor(platformOf(own), as.platforms)) throw new RegistryFailure('wrong-architecture', `it is for ${is}`)
      return { imageId, image: imageId, repoDigest: digests[0] ?? null, names: [] }
    }
    const limit = deadline(clock, times.lookMs, signal)
    const grant = await grants.ask(reference, request, limit.signal).catch(orNever(request)).finally(limit.clear)
    const repoDigest = `${reference.repository}@${grant.digest}`
    const there = await findPulled(docker, grant, { reference, platform: as.platform }, signal)
    if (there !== null && isFor(platformOf(there.image), as.platforms)) {
      return { imageId: there.image.Id, image: there.image.Id, repoDigest, names: there.names }
    }
    if (request.policy === 'Never') throw new RegistryFailure('never-present', 'the pull policy is Never')
    const name = await download(grant, request, as, signal)
    const image = await findImage(docker, name, signal)
    if (image === null) throw new RegistryFailure('unknown', 'it was handed to the engine and is not there')
    return { imageId: image.Id, image: image.Id, repoDigest, names: [name] }
  }

  return async (request: PullRequest, options: AbortOptions = {}): Promise<ImageInfo> => {
    options.signal?.throwIfAborted()
    try {
      return await pull(request, options)
    } catch (error) {
      options.signal?.throwIfAborted()
      if (error instanceof DataError) throw error
      throw toPullError(asNamed(error, request), request.image)
    }
  }
}

/** What the job names and the image is not for, it is for nowhere: another machine would find it no different. */
function asNamed(error: unknown, { isPlatformNamed = false }: PullRequest): unknown {
  const isIt = error instanceof RegistryFailure && error.reason === 'wrong-architecture'
  if (!isPlatformNamed || !isIt) return error
  return new RegistryFailure('no-such-platform', error.message, { cause: error })
}

/** As what an image is wanted. */
interface AsWhat {
  /** That will do, the best first. */
  platforms: readonly string[]
  /** The best, where that is not the engine's own; else empty. */
  platform: string
}

function asWhat(request: PullRequest, architecture: string): AsWhat {
  const own = nativePlatforms(`linux/${architecture}`)
  const { platforms = own } = request
  const [first = ''] = platforms
  return { platforms, platform: first === own[0] ? '' : first }
}

function platformOf({ Os: os, Architecture: architecture }: { Os: string; Architecture: string }) {
  return { os, architecture }
}

/** The same repository's image of this digest. */
function pinned({ repository }: ImageReference, digest: string): ImageReference {
  return { repository, tagOrDigest: digest, full: `${repository}@${digest}` }
}

/** With the policy Never it only counts whether somebody may read what is here. */
function orNever({ policy }: PullRequest): (error: unknown) => never {
  return (error) => {
    const isOther = error instanceof RegistryFailure && error.reason !== 'unauthorized'
    if (policy !== 'Never' || !isOther) throw error
    throw new RegistryFailure('never-present', error.message, { cause: error })
  }
}

/** Requests with the same key may share a pull. Holds no credentials in clear. */
function keyOf(name: string, { credentials }: PullRequest): string {
  const secret = JSON.stringify(credentials && [credentials.serverAddress, credentials.username, credentials.password])
  const digest = createHash('sha256').update(secret ?? '')
  return `${name} ${digest.digest('hex')}`
}
