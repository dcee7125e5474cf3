import { pullError } from './errors.ts'

/** An image reference, taken apart. */
export interface ImageReference {
  /** With its registry where one was named, e.g. `"ghcr.io/owner/name"`. */
  repository: string
  /** `"1.36"` or `"sha256:…"`. */
  tagOrDigest: string
  /** The reference in full: what the engine is asked for. Never one that it could take for an image id. */
  full: string
}

/** Longest reference that is looked at; the longest that Docker takes is 255 for the repository and 128 for the tag. */
const maxReferenceLength = 512

const host = String.raw`[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(?::\d{1,5})?`
const word = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*'
const pattern = new RegExp(
  String.raw`^(?<repository>(?:${host}/)?${word}(?:/${word})*)(?::(?<tag>\w[\w.-]{0,127}))?(?:@(?<digest>sha256:[0-9a-f]{64}))?$`,
)

/**
 * Reads an image reference as `docker pull` does: no tag means `latest`, and a digest wins over a tag. Strict, because
 * references come from strangers and end up in paths of the engine's API.
 *
 * @throws EngineError `IMAGE_PULL_ERROR`, reason `invalid-reference`.
 */
export function parseReference(image: string): ImageReference {
  const parts = image.length <= maxReferenceLength ? pattern.exec(image)?.groups : undefined
  if (parts?.repository === undefined) {
    throw pullError('invalid-reference', JSON.stringify(image.slice(0, maxReferenceLength)), 'is no image reference')
  }
  const { repository, digest } = parts
  if (digest !== undefined) return { repository, tagOrDigest: digest, full: `${repository}@${digest}` }
  const tag = parts.tag ?? 'latest'
  return { repository, tagOrDigest: tag, full: `${repository}:${tag}` }
}

/** Where it is kept: Docker Hub where no registry is named. */
export function registryHostOf({ repository }: ImageReference): { host: string; path: string } {
  const [first = '', ...rest] = repository.split('/')
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')
  if (hasHost) return { host: first, path: rest.join('/') }
  return { host: 'docker.io', path: rest.length === 0 ? `library/${first}` : repository }
}
