/** Whether whoever asks may read an image, and which bytes its reference means: asked of the registry, for each anew. */

import type { Clock } from '../../node/clock.ts'
import type { RegistryAccess } from '../../node/registry/access.ts'
import { type PullFailure, RegistryFailure } from '../../node/registry/failure.ts'
import type { Repository } from '../../node/registry/repository.ts'
import { openRegistrySession } from '../../node/registry/session.ts'
import { registryOf } from '../../protocol/image-registry.ts'
import type { PullRequest } from '../engine/index.ts'
import type { ImageReference } from '../engine/reference.ts'

/** What a registry gave to somebody to read. */
export interface Grant {
  /** Where the image is named to be. */
  repository: Repository
  /** Where it was read: there, or at a mirror. */
  from: Repository
  /** Of its manifest, or of the index of all its platforms. */
  digest: string
  /** Whether it is given to whoever asks. */
  isPublic: boolean
}

/** Asks registries, and remembers for a while what they give to everybody. */
export interface Grants {
  /** @throws {RegistryFailure} */
  ask(reference: ImageReference, request: PullRequest, signal: AbortSignal): Promise<Grant>
}

/** How long what everybody may read is taken to stay so, in ms: a registry counts how often it is asked. */
const FRESH_MS = 600_000
/** How long it stays so while the registry cannot be asked, in ms. */
const STALE_MS = 24 * 3_600_000
const MAX_KNOWN = 4_096

/** Failures of a mirror after which the registry itself is asked. */
const FALLS_BACK: readonly PullFailure[] = [
  ...(['not-found', 'repository-not-found', 'tag-not-found', 'unauthorized', 'rate-limited'] as const),
  ...(['registry-unreachable', 'registry-too-slow', 'invalid-image'] as const),
]

/** @param init.mirrors registry → host of its mirror, with a path where it has one, e.g. `mirror.lan:5000/hub` */
export function createGrants(
  { clock, access }: { clock: Clock; access: RegistryAccess },
  init: { mirrors: Readonly<Record<string, string>> },
): Grants {
  /** What was given to somebody without credentials, by reference; the longest unasked first. */
  const known = new Map<string, { grant: Grant; atMs: number }>()

  async function read(
    from: Repository,
    { tagOrDigest }: ImageReference,
    { credentials }: PullRequest,
    signal: AbortSignal,
  ): Promise<string> {
    const session = openRegistrySession(access, from, credentials, signal)
    return (await session.look(tagOrDigest)) ?? (await session.manifest(tagOrDigest)).digest
  }

  async function fresh(reference: ImageReference, request: PullRequest, signal: AbortSignal): Promise<Grant> {
    const repository = registryOf(reference.repository)
    const isPublic = request.credentials === undefined
    // A password is for one registry alone.
    const mirror = isPublic ? mirrorOf(repository, init.mirrors) : null
    if (mirror !== null) {
      try {
        return { repository, from: mirror, digest: await read(mirror, reference, request, signal), isPublic }
      } catch (error) {
        if (!(error instanceof RegistryFailure) || !FALLS_BACK.includes(error.reason)) throw error
      }
    }
    return { repository, from: repository, digest: await read(repository, reference, request, signal), isPublic }
  }

  return {
    async ask(reference, request, signal) {
      if (request.credentials !== undefined) return await fresh(reference, request, signal)
      const before = known.get(reference.full)
      const ageMs = before === undefined ? Number.POSITIVE_INFINITY : clock.monotonicMs() - before.atMs
      if (before !== undefined && request.policy !== 'Always' && ageMs < FRESH_MS) return before.grant
      try {
        const grant = await fresh(reference, request, signal)
        known.delete(reference.full)
        known.set(reference.full, { grant, atMs: clock.monotonicMs() })
        const [oldest] = known.keys()
        if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest)
        return grant
      } catch (error) {
        const isAway =
          error instanceof RegistryFailure &&
          ['registry-unreachable', 'registry-too-slow', 'rate-limited'].includes(error.reason)
        if (isAway && before !== undefined && request.policy !== 'Always' && ageMs < STALE_MS) return before.grant
        throw error
      }
    },
  }
}

function mirrorOf({ host, path }: Repository, mirrors: Readonly<Record<string, string>>): Repository | null {
  const mirror = Object.hasOwn(mirrors, host) ? mirrors[host] : undefined
  if (mirror === undefined) return null
  const [first = '', ...rest] = mirror.split('/')
  return { host: first, path: [...rest, path].join('/') }
}
