/**
 * What `docker save`, `podman save`, `skopeo` and `buildah` write: a tar with an image in it, in Docker's layout or in OCI's.
 * Its parts are taken out as they are, so that a layer that did not change has the digest that it had.
 */

import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { MAX_IMAGE_CONFIG_BYTES, MAX_IMAGE_LAYERS } from '../../protocol/limits.ts'
import { nativePlatforms } from '../../protocol/platforms.ts'
import { RegistryFailure } from '../registry/failure.ts'
import { type Layer, readManifest } from '../registry/manifest.ts'
import { entriesOf, LONGEST_NAME } from '../tar-entries.ts'

/** Something that an image is made of, in a file. */
export interface ImagePart {
  /** `sha256:…` */
  digest: string
  bytes: number
  path: string
}

/** An image in files. */
export interface LocalImage {
  /** As the archive calls it; null where it does not. */
  name: string | null
  /** OCI's, which names the others by their digests. */
  manifest: ImagePart
  config: ImagePart
  /** From the lowest on. */
  layers: ImagePart[]
}

/** The archive holds no image that can be read, or not the one. The message is for people. */
export class ImageArchiveError extends Error {
  override readonly name = 'ImageArchiveError'
}

/** Entries of one archive: three for each layer in Docker's layout. */
const MAX_ENTRIES = 4_096
/** Links of one entry to another that are followed. */
const MAX_LINKS = 8
/** Lists of images in lists of images. */
const MAX_DEPTH = 3

/** Of several images for one name, the one for machines like this is meant. */
const OWN_PLATFORM = `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`

const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json'
const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json'
const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar'
const NAMES = ['io.containerd.image.name', 'org.opencontainers.image.ref.name']

const path = z.string().min(1).max(512)
const dockerSchema = z
  .array(
    z.object({
      Config: path,
      RepoTags: z.array(z.string().max(512)).max(1_024).nullish(),
      Layers: z.array(path).max(MAX_IMAGE_LAYERS),
    }),
  )
  .min(1)
  .max(1_024)
const indexSchema = z.object({
  manifests: z
    .array(
      z.object({
        digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
        annotations: z.record(z.string(), z.string()).optional(),
      }),
    )
    .min(1)
    .max(1_024),
})

type Entry = ImagePart | { link: string }

/**
 * @param folder an empty one, where its parts are put
 * @param wanted the image's name, where the archive may hold several
 * @throws {ImageArchiveError} @throws what reading it breaks off with
 */
export async function readImageArchive(tar: Readable, folder: string, wanted?: string): Promise<LocalImage> {
  const entries = await unpacked(tar, folder)
  const docker = find(entries, 'manifest.json')
  if (docker !== null) return await ofDocker(entries, docker, { folder, wanted })
  const index = find(entries, 'index.json')
  if (index !== null) return await ofOci(entries, index, wanted)
  throw new ImageArchiveError(
    'it is no image: it has neither manifest.json nor index.json, as `docker save` writes them',
  )
}

async function unpacked(tar: Readable, folder: string): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>()
  let count = 0
  const source = entriesOf(tar)
  try {
    for await (const entry of source) {
      const { name, type, linkname } = entry.header
      count += 1
      if (count > MAX_ENTRIES) throw new ImageArchiveError(`it has more than ${MAX_ENTRIES} entries`)
      if (Math.max(name.length, linkname?.length ?? 0) > LONGEST_NAME) {
        throw new ImageArchiveError('it has a name that is longer than any')
      }
      const plain = posix.normalize(name)
      if (type === 'symlink') entries.set(plain, { link: posix.join(posix.dirname(plain), linkname ?? '') })
      else if (type === 'link') entries.set(plain, { link: posix.normalize(linkname ?? '') })
      if (type === 'file' || type === 'contiguous-file') {
        entries.set(plain, await kept(entry as unknown as AsyncIterable<Buffer>, join(folder, String(count))))
      } else entry.resume()
    }
  } catch (error) {
    tar.destroy()
    const isOfSystem = typeof (error as NodeJS.ErrnoException).errno === 'number'
    if (error instanceof ImageArchiveError || isOfSystem) throw error
    throw new ImageArchiveError('it is no tar, or ends before its end', { cause: error })
  }
  return entries
}

async function kept(content: AsyncIterable<Buffer>, path: string): Promise<ImagePart> {
  const hash = createHash('sha256')
  let bytes = 0
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const piece of content) {
      hash.update(piece)
      bytes += piece.length
      yield piece
    }
  }
  await pipeline(counted, createWriteStream(path, { mode: 0o600 }))
  return { digest: `sha256:${hash.digest('hex')}`, bytes, path }
}

function find(entries: ReadonlyMap<string, Entry>, name: string): ImagePart | null {
  let entry = entries.get(posix.normalize(name))
  for (let links = 0; entry !== undefined && 'link' in entry; links += 1) {
    entry = links < MAX_LINKS ? entries.get(entry.link) : undefined
  }
  return entry === undefined ? null : (entry as ImagePart)
}

function part(entries: ReadonlyMap<string, Entry>, name: string): ImagePart {
  const found = find(entries, name)
  if (found === null) throw new ImageArchiveError(`it lacks ${JSON.stringify(name)}, which its list names`)
  return found
}

async function ofDocker(
  entries: ReadonlyMap<string, Entry>,
  list: ImagePart,
  { folder, wanted }: { folder: string; wanted: string | undefined },
): Promise<LocalImage> {
  const images = parsed(dockerSchema, await small(list))
  const names = images.map(({ RepoTags: tags }) => tags ?? [])
  const place = chosen(names, wanted)
  const { Config: configName, Layers: layerNames } = images[place] as (typeof images)[number]
  const config = part(entries, configName)
  const layers = layerNames.map((name) => part(entries, name))
  const value = {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: { mediaType: CONFIG_TYPE, digest: config.digest, size: config.bytes },
    layers: await Promise.all(
      layers.map(async (layer) => ({ mediaType: await typeOf(layer), digest: layer.digest, size: layer.bytes })),
    ),
  }
  const file = join(folder, 'manifest')
  const manifest = await kept(streamOf(JSON.stringify(value)), file)
  return { name: names[place]?.[0] ?? null, manifest, config, layers }
}

function streamOf(text: string): Readable {
  return Readable.from([Buffer.from(text)])
}

/** By how it begins: what it is called says nothing. */
async function typeOf({ path }: ImagePart): Promise<string> {
  await using file = await open(path, 'r')
  const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0)
  if (buffer[0] === 0x1f && buffer[1] === 0x8b) return `${LAYER_TYPE}+gzip`
  return buffer.readUInt32LE(0) === 0xfd2fb528 ? `${LAYER_TYPE}+zstd` : LAYER_TYPE
}

async function ofOci(
  entries: ReadonlyMap<string, Entry>,
  index: ImagePart,
  wanted: string | undefined,
): Promise<LocalImage> {
  const { manifests } = parsed(indexSchema, await small(index))
  const names = manifests.map(({ annotations = {} }) => NAMES.flatMap((key) => annotations[key] ?? []))
  const place = chosen(names, wanted)
  const blob = (digest: string, bytes?: number): ImagePart => {
    const found = part(entries, `blobs/sha256/${digest.slice('sha256:'.length)}`)
    if (found.digest === digest && (bytes === undefined || found.bytes === bytes)) return found
    throw new ImageArchiveError(`${digest} is not what it holds under that name`)
  }
  const of = ({ digest, size }: Layer): ImagePart => blob(digest, size)
  let manifest = blob((manifests[place] as (typeof manifests)[number]).digest)
  try {
    for (let depth = 0; depth < MAX_DEPTH; depth += 1) {
      const content = readManifest(Buffer.from(await small(manifest)), nativePlatforms(OWN_PLATFORM))
      if (content.kind === 'image') {
        return { name: names[place]?.[0] ?? null, manifest, config: of(content.config), layers: content.layers.map(of) }
      }
      manifest = blob(content.digest)
    }
  } catch (error) {
    if (error instanceof RegistryFailure) throw new ImageArchiveError(error.message, { cause: error })
    throw error
  }
  throw new ImageArchiveError('its lists of images name one another')
}

/** The place of the image that is meant. */
function chosen(names: readonly string[][], wanted: string | undefined): number {
  if (names.length === 1) return 0
  const place = names.findIndex(
    (own) => wanted !== undefined && (own.includes(wanted) || own.includes(`${wanted}:latest`)),
  )
  if (place >= 0) return place
  const known = names.flat().slice(0, 20).join(', ')
  throw new ImageArchiveError(`it holds ${names.length} images${known === '' ? '' : `: ${known}`}; name one of them`)
}

async function small({ path, bytes }: ImagePart): Promise<string> {
  if (bytes > MAX_IMAGE_CONFIG_BYTES) throw new ImageArchiveError('its list of images is larger than 1 MiB')
  return await readFile(path, 'utf8')
}

function parsed<S extends z.ZodType>(schema: S, text: string): z.output<S> {
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    throw new ImageArchiveError('its list of images is of no form that is known', { cause })
  }
}
