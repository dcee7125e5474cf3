import type Docker from 'dockerode'
import { call } from './call.ts'
import { type PullFailure, statusOf } from './errors.ts'
import { type ContainerEngine, EngineError, type ImageInfo } from './index.ts'
import { type ImageReference, parseReference, registryHostOf } from './reference.ts'

type Pull = ContainerEngine['pull']

/** Failures of a mirror after which the registry itself is asked. */
const FALLS_BACK = new Set<unknown>([
  'not-found',
  'repository-not-found',
  'tag-not-found',
  'unauthorized',
  'registry-unreachable',
  'rate-limited',
  'unknown',
] satisfies PullFailure[])

/**
 * Pulls from a registry's mirror first, and gives the image its own name. What is asked by digest or with credentials
 * goes to the registry itself: a digest cannot be given as a name, and a password is for one registry alone.
 *
 * @param mirrors registry → host of its mirror, with a path where it has one, e.g. `docker.io` → `mirror.lan:5000/hub`
 */
export function withMirrors(docker: Docker, pull: Pull, mirrors: Readonly<Record<string, string>>): Pull {
  return async (request, options = {}) => {
    const reference = parseReference(request.image)
    const repository = mirroredRepository(reference, mirrors)
    if (repository === null || request.policy === 'Never' || request.credentials) return await pull(request, options)
    const { tagOrDigest: tag } = reference
    const present = { ...request, policy: 'Never' as const }
    if (request.policy === 'IfNotPresent') {
      try {
        return await pull(present, options)
      } catch (error) {
        if (!isPullFailure(error, new Set(['never-present']))) throw error
      }
    }
    const before = await named(docker, reference.full, options.signal)
    let fetched: ImageInfo['fetched']
    try {
      ;({ fetched } = await pull({ ...request, image: `${repository}:${tag}`, policy: 'Always' }, options))
    } catch (error) {
      if (!isPullFailure(error, FALLS_BACK)) throw error
      return await pull(request, options)
    }
    await call(`naming ${request.image}`, options.signal, async () => {
      await docker.getImage(`${repository}:${tag}`).tag({ repo: reference.repository, tag })
    })
    const { imageId, repoDigest } = await pull(present, options)
    return {
      imageId,
      fetched: fetched && {
        ...fetched,
        names: [...fetched.names, reference.full],
        replaced: before === null || before === imageId ? fetched.replaced : before,
      },
      repoDigest: repoDigest?.replace(`${repository}@`, `${reference.repository}@`) ?? null,
    }
  }
}

/** Id of the image that has this name; null where none has. */
async function named(docker: Docker, name: string, signal: AbortSignal | undefined): Promise<string | null> {
  return await call(`looking for image ${name}`, signal, async () => {
    try {
      return (await docker.getImage(name).inspect()).Id
    } catch (error) {
      if (statusOf(error) === 404) return null
      throw error
    }
  })
}

/** Where the mirror keeps it; null where there is no mirror, or none for a digest. */
export function mirroredRepository(
  reference: ImageReference,
  mirrors: Readonly<Record<string, string>>,
): string | null {
  const { host, path } = registryHostOf(reference)
  const mirror = Object.hasOwn(mirrors, host) ? mirrors[host] : undefined
  if (mirror === undefined || reference.tagOrDigest.startsWith('sha256:')) return null
  return `${mirror}/${path}`
}

function isPullFailure(error: unknown, reasons: ReadonlySet<unknown>): boolean {
  return error instanceof EngineError && error.code === 'IMAGE_PULL_ERROR' && reasons.has(error.details.reason)
}
