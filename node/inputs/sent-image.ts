/** What an image that was given beforehand is made of, by its manifest: looked at before anybody is asked to run it. */

import { buffer } from 'node:stream/consumers'
import { type Failure, pullFailure } from '../../protocol/failures.ts'
import type { BlobSource } from '../../protocol/job-inputs.ts'
import { MAX_IMAGE_CONFIG_BYTES } from '../../protocol/limits.ts'
import type { SentImage } from '../../protocol/sent-image.ts'
import { RegistryFailure } from '../registry/failure.ts'
import { type Layer, readConfig, readManifest, readPlatforms } from '../registry/manifest.ts'
import { plainDigest, type Uploads } from '../uploads/index.ts'
import { uploadGone } from './gone.ts'
import type { FoundImage } from './index.ts'

const NO_MANIFEST = 'it is not the manifest of one image'

/**
 * Looks up all parts of an image, which counts as a use of each.
 *
 * @param name what it is called, for people
 * @param digest `sha256:…` of its manifest
 */
export async function findSentImage(
  uploads: Pick<Uploads, 'find' | 'open'>,
  { owner, name, digest }: { owner: string; name: string; digest: string },
): Promise<FoundImage | Failure> {
  try {
    const manifest = await bytesOf(uploads, owner, digest)
    if (Array.isArray(readPlatforms(manifest))) throw new RegistryFailure('invalid-image', NO_MANIFEST)
    const found = readManifest(manifest, [])
    if (found.kind === 'index') throw new RegistryFailure('invalid-image', NO_MANIFEST)
    const config = await bytesOf(uploads, owner, found.config.digest)
    const platforms = readPlatforms(config)
    if (!Array.isArray(platforms)) throw new RegistryFailure('invalid-image', 'the configuration is none')
    readConfig(config, found.layers.length, platforms)
    const sentImage: SentImage = { config: await partOf(uploads, owner, found.config), layers: [] }
    for (const layer of found.layers) sentImage.layers.push(await partOf(uploads, owner, layer))
    return { image: { digest, platforms }, sentImage }
  } catch (error) {
    if (error instanceof MissingPart) return uploadGone(error.digest, 'imageFrom')
    if (!(error instanceof RegistryFailure)) throw error
    return pullFailure(`${name}: ${error.message}`, { reason: error.reason })
  }
}

/** The image needs it, and it is not there. */
class MissingPart extends Error {
  override readonly name = 'MissingPart'
  readonly digest: string

  constructor(digest: string) {
    super(`There is no upload ${digest}`)
    this.digest = digest
  }
}

async function bytesOf(uploads: Pick<Uploads, 'find' | 'open'>, owner: string, digest: string): Promise<Buffer> {
  const { offset: bytes } = await uploadOf(uploads, owner, digest)
  if (bytes > MAX_IMAGE_CONFIG_BYTES) throw new RegistryFailure('invalid-image', `${digest} is larger than 1 MiB`)
  const opened = await uploads.open({ owner }, plainDigest(digest), 0)
  if (opened === null) throw new MissingPart(digest)
  return await buffer(opened.stream)
}

async function partOf(uploads: Pick<Uploads, 'find'>, owner: string, { digest, size }: Layer): Promise<BlobSource> {
  const { offset: bytes } = await uploadOf(uploads, owner, digest)
  if (bytes !== size)
    throw new RegistryFailure('invalid-image', `${digest} has ${bytes} bytes, its manifest says ${size}`)
  return { sha256: plainDigest(digest), bytes, folder: false }
}

async function uploadOf(uploads: Pick<Uploads, 'find'>, owner: string, digest: string) {
  const upload = await uploads.find(owner, plainDigest(digest))
  if (upload === null) throw new MissingPart(digest)
  return upload
}
