/** What an image says of itself: manifests, indexes and configurations, of Docker's and OCI's forms; pure. */

import { createHash } from 'node:crypto'
import { z } from 'zod'
import { RegistryFailure } from './failure.ts'

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

/** What overlay file systems take. */
const MAX_LAYERS = 127
const MAX_PLATFORMS = 512
/** No blob is larger, in bytes. */
const MAX_BLOB_BYTES = 2 ** 40

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/)
const descriptor = z.object({ mediaType: z.string().max(256), digest, size: z.int().min(0).max(MAX_BLOB_BYTES) })

const indexSchema = z.object({
  schemaVersion: z.literal(2),
  manifests: z
    .array(
      descriptor.extend({
        platform: z.object({ os: z.string(), architecture: z.string() }).optional(),
      }),
    )
    .max(MAX_PLATFORMS),
})

const manifestSchema = z.object({
  schemaVersion: z.literal(2),
  config: descriptor,
  layers: z.array(descriptor).max(MAX_LAYERS),
})

const configSchema = z.object({
  architecture: z.string().max(64),
  os: z.string().max(64),
  rootfs: z.object({ diff_ids: z.array(digest).max(MAX_LAYERS) }),
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
  /** Digest of the one for this machine. */
  { kind: 'index'; digest: string } | { kind: 'image'; config: Layer; layers: Layer[] }

/** @throws {RegistryFailure} `invalid-image`, `wrong-architecture` */
export function readManifest(bytes: Buffer, architecture: string): ManifestContent {
  const value = json(bytes)
  const index = indexSchema.safeParse(value)
  if (index.success) {
    const linux = index.data.manifests.filter(({ platform }) => platform?.os === 'linux')
    const own =
      linux.find(({ platform }) => platform?.architecture === architecture) ??
      linux.find(({ platform }) => runsOn(platform?.architecture ?? '', architecture))
    if (own !== undefined) return { kind: 'index', digest: own.digest }
    throw new RegistryFailure('wrong-architecture', `the image is not for ${architecture}`)
  }
  const image = manifestSchema.safeParse(value)
  if (!image.success) throw new RegistryFailure('invalid-image', 'the manifest is of no form that images have')
  return { kind: 'image', config: image.data.config, layers: image.data.layers }
}

/** Digests of the unpacked layers. @throws {RegistryFailure} `invalid-image`, `wrong-architecture` */
export function readConfig(bytes: Buffer, layers: number, architecture: string): string[] {
  const config = configSchema.safeParse(json(bytes))
  if (!config.success || config.data.rootfs.diff_ids.length !== layers) {
    throw new RegistryFailure('invalid-image', 'the configuration does not go with the manifest')
  }
  if (config.data.os === 'linux' && runsOn(config.data.architecture, architecture)) return config.data.rootfs.diff_ids
  throw new RegistryFailure('wrong-architecture', `the image is not for ${architecture}`)
}

/** Whether an image for `architecture` runs on a machine of architecture `machine` without emulation. */
export function runsOn(architecture: string, machine: string): boolean {
  const also: Record<string, string> = { amd64: '386', arm64: 'arm' }
  return architecture === '' || architecture === machine || also[machine] === architecture
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
