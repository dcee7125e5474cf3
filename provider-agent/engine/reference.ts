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
    throw pullError('invalid-reference', JSON.stringify(image.slice(0, maxReferenceLength)))
  }
  const { repository, digest } = parts
  // `sha256:…` would be an image by its id, whoever brought it.
  if (repository === 'sha256') throw pullError('invalid-reference', image)
  if (digest !== undefined) return { repository, tagOrDigest: digest, full: `${repository}@${digest}` }
  const tag = parts.tag ?? 'latest'
  return { repository, tagOrDigest: tag, full: `${repository}:${tag}` }
}

/** What the engine calls an image: its id, or its name. */
export function engineName(image: string): string {
  return /^sha256:[0-9a-f]{64}$/.test(image) ? image : parseReference(image).full
}
