/** What an image says of itself: manifests, indexes and configurations, of Docker's and OCI's forms; pure. */

import { createHash } from 'node:crypto'
import { z } from 'zod'
import { MAX_IMAGE_LAYERS } from '../../protocol/limits.ts'
import { architectureOf, isPlatform, MAX_PLATFORMS, plainPlatform } from '../../protocol/platforms.ts'
import { RegistryFailure } from './failure.ts'
import { runSchema } from './image-config.ts'

const INDEX_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
]

/** Asked for; the first form of manifests, which has no digests, is not among them. */
export const MANIFEST_TYPES = [
  ...INDEX_TYPES,
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
]

const MAX_ENTRIES = 512
/** No blob is larger, in bytes. */
const MAX_BLOB_BYTES = 2 ** 40

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/)
const descriptor = z.object({ mediaType: z.string().max(256), digest, size: z.int().min(0).max(MAX_BLOB_BYTES) })

const word = z.string().max(64)

const entrySchema = descriptor.extend({
  platform: z.object({ os: word, architecture: word, variant: word.optional() }).optional(),
})

/** What cannot be read of one entry says nothing of the others. */
const indexSchema = z.object({
  schemaVersion: z.literal(2),
  manifests: z.array(entrySchema.or(z.unknown().transform(() => null))).max(MAX_ENTRIES),
})

const manifestSchema = z.object({
  schemaVersion: z.literal(2),
  config: descriptor,
  layers: z.array(descriptor).max(MAX_IMAGE_LAYERS),
})

const configSchema = z.object({
  architecture: z.string().max(64),
  os: z.string().max(64),
  rootfs: z.object({ diff_ids: z.array(digest).max(MAX_IMAGE_LAYERS) }),
  config: z.unknown().optional(),
})

/** A blob that a manifest lists: a layer, or the configuration. */
export interface Layer {
  /** Of what is sent. */
  digest: string
  /** Bytes of what is sent. */
  size: number
}

/** What {@link readManifest} found: where to go on, or what the image is made of. */
export type ManifestContent =
  /** Digest of the one that will do best. */
  { kind: 'index'; digest: string } | { kind: 'image'; config: Layer; layers: Layer[] }

/**
 * @param platforms that will do, the best first, as `plainPlatform` writes them
 * @throws {RegistryFailure} `invalid-image`, `wrong-architecture`
 */
export function readManifest(bytes: Buffer, platforms: readonly string[]): ManifestContent {
  const value = json(bytes)
  const index = indexSchema.safeParse(value)
  if (index.success) {
    const entries = runnable(index.data.manifests)
    // The first of several for one platform counts.
    const there = new Map(entries.toReversed().map(({ platform, digest }) => [platform, digest] as const))
    const digest = [...platforms, 'linux/'].map((platform) => there.get(platform)).find((found) => found !== undefined)
    if (digest !== undefined) return { kind: 'index', digest }
    throw new RegistryFailure('wrong-architecture', `the image is not for ${platforms.join(', ')}`)
  }
  const image = manifestSchema.safeParse(value)
  if (!image.success) throw new RegistryFailure('invalid-image', 'the manifest is of no form that images have')
  return { kind: 'image', config: image.data.config, layers: image.data.layers }
}

/** Where none is said, the text is empty; where no architecture is, it ends with a slash. */
function platformText(
  platform: { os: string; architecture: string; variant?: string | undefined } | undefined,
): string {
  if (platform === undefined) return ''
  const { os, architecture, variant = '' } = platform
  return architecture === ''
    ? `${os}/`
    : plainPlatform([os, architecture, ...(variant === '' ? [] : [variant])].join('/'))
}

/**
 * Digests of the unpacked layers.
 * @param platforms of which it is for one
 * @throws {RegistryFailure} `invalid-image`, `wrong-architecture`
 */
export function readConfig(bytes: Buffer, layers: number, platforms: readonly string[]): string[] {
  const config = configSchema.safeParse(json(bytes))
  if (!config.success || config.data.rootfs.diff_ids.length !== layers) {
    throw new RegistryFailure('invalid-image', 'the configuration does not go with the manifest')
  }
  if (!isRunnable(platformText(config.data))) throw new RunsNowhere('the image names no platform that anybody has')
  if (!isFor(config.data, platforms)) {
    throw new RegistryFailure('wrong-architecture', `the image is not for ${platforms.join(', ')}`)
  }
  // Paths of another system are of another form.
  const run = runSchema.safeParse(config.data.config)
  if (!run.success) throw new RegistryFailure('invalid-image', z.prettifyError(run.error))
  return config.data.rootfs.diff_ids
}

/** What all layers take as they are sent, in bytes; null where it is an index. @throws {RegistryFailure} `invalid-image` */
export function layerBytes(bytes: Buffer): number | null {
  const image = manifestSchema.safeParse(json(bytes))
  return image.success ? image.data.layers.reduce((sum, { size }) => sum + size, 0) : null
}

const ownPlatform = z.object({ os: word, architecture: word, variant: word.optional() })

/**
 * What an image is for, by its index or its configuration; where it is a manifest of one image, which configuration says
 * it. Attestations and what names no platform are passed over; none where there are too many to be told, or it says for none
 * in particular.
 *
 * @throws {RegistryFailure} `invalid-image`; a {@link RunsNowhere} where no machine can run any of it
 */
export function readPlatforms(bytes: Buffer): string[] | { config: string } {
  const value = json(bytes)
  const index = indexSchema.safeParse(value)
  if (index.success) return told(runnable(index.data.manifests).map(({ platform }) => platform))
  const image = manifestSchema.safeParse(value)
  if (image.success) return { config: image.data.config.digest }
  const config = ownPlatform.safeParse(value)
  if (config.success) {
    const platform = platformText(config.data)
    if (isRunnable(platform)) return told([platform])
    throw new RunsNowhere('the image names no platform that anybody has')
  }
  throw new RegistryFailure('invalid-image', 'the manifest is of no form that images have')
}

/** An image that is read and that no machine can run, whichever: to whoever made it, not to whoever was to run it. */
export class RunsNowhere extends RegistryFailure {
  constructor(message: string) {
    super('invalid-image', message)
  }
}

type Entry = z.infer<typeof entrySchema>

/** Those that a machine could run, in their order. @throws {RunsNowhere} where there are none */
function runnable(entries: readonly (Entry | null)[]): { platform: string; digest: string }[] {
  const named = entries
    .filter((entry) => entry !== null)
    .map(({ platform, digest }) => ({ platform: platformText(platform), digest }))
    .filter(({ platform }) => isRunnable(platform))
  if (named.length > 0) return named
  throw new RunsNowhere('the index of the image lists no image for any platform')
}

/** Attestations are listed as of a platform that is none; where no architecture is named, any will do. */
function isRunnable(platform: string): boolean {
  return platform === 'linux/' || (isPlatform(platform) && platform !== 'unknown/unknown')
}

function told(platforms: string[]): string[] {
  const named = [...new Set(platforms)].filter((text) => isPlatform(text))
  return named.length > MAX_PLATFORMS ? [] : named
}

/** Whether an image is for one of these platforms, by its configuration, which often leaves out versions. */
export function isFor(
  { os, architecture }: { os: string; architecture: string },
  platforms: readonly string[],
): boolean {
  if (architecture === '') return os === 'linux'
  return platforms.some((platform) => architectureOf(platform) === architectureOf(`${os}/${architecture}`))
}

/** `sha256:` and 64 hexadecimal digits, as registries name what they have. */
export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

function json(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    throw new RegistryFailure('invalid-image', 'the registry sent no JSON')
  }
}
