import { createReadStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { JobSubmission } from '../../protocol/job-spec.ts'
import { shownBytes } from '../../protocol/units.ts'
import { buildImage, LocalEngineError, saveImage } from '../images/local-engine.ts'
import { ImageArchiveError, type ImagePart, type LocalImage, readImageArchive } from '../images/read-archive.ts'
import { CliError } from './cli-error.ts'
import { bringsImage, type ImageFlags } from './image-flags.ts'
import type { StatusLine } from './status-line.ts'

/** Gives a part of an image to whoever sends it on; answers whether it was new there. */
export type GivePart = (part: ImagePart, name: string) => Promise<boolean>

/** An image that was given. */
export interface GivenImage {
  name: string
  /** `sha256:…` of its manifest. */
  digest: string
  layers: number
  /** Bytes of all of its parts, and of those that were new. */
  bytes: number
  newBytes: number
}

/** What `--send-image` and `--build` ask for, given. @throws {CliError} */
export async function givenLocalImage(
  image: string,
  flags: ImageFlags,
  give: GivePart,
  status: StatusLine,
): Promise<Pick<JobSubmission, 'imageFrom'>> {
  if (!bringsImage(flags)) return {}
  const { build } = flags
  if (build !== undefined) {
    status.done(`building ${image} of ${build}`)
    await told('--build', async () => await buildImage(build, image))
  }
  status.now(`reading ${image} from the engine of this machine`)
  const take = async (archive: Readable): Promise<GivenImage> => await givenArchive(archive, image, give, status)
  const { digest, bytes, newBytes } = await told('--send-image', async () => await saveImage(image, take))
  status.done(`${image} is ${digest}: ${shownBytes(newBytes)} of ${shownBytes(bytes)} are new`)
  return { imageFrom: { upload: digest } }
}

/**
 * Gives an image of this machine's engine, or of a file that `docker save` wrote.
 *
 * @param source a file, `-` for the standard input, or a name that the engine knows
 * @param wanted which of them, where a file holds several
 * @throws {CliError}
 */
export async function givenImage(
  { source, wanted }: { source: string; wanted: string | undefined },
  give: GivePart,
  status: StatusLine,
): Promise<GivenImage> {
  status.now(`reading ${source}`)
  const take = async (archive: Readable): Promise<GivenImage> => {
    return await givenArchive(archive, wanted, give, status)
  }
  return await told(source, async () => {
    if (source === '-') return await take(process.stdin)
    const isFile = (await stat(source).catch(() => null))?.isFile() === true
    return isFile ? await take(createReadStream(source)) : await saveImage(source, take)
  })
}

async function givenArchive(
  archive: Readable,
  wanted: string | undefined,
  give: GivePart,
  status: StatusLine,
): Promise<GivenImage> {
  const folder = await mkdtemp(join(tmpdir(), 'cortex-image-'))
  try {
    return await givenParts(await readImageArchive(archive, folder, wanted), wanted, give, status)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The manifest last: once it is there, all that it names is. */
async function givenParts(
  { name: ownName, layers, config, manifest }: LocalImage,
  wanted: string | undefined,
  give: GivePart,
  status: StatusLine,
): Promise<GivenImage> {
  const name = wanted ?? ownName ?? ''
  const parts = [...new Map([...layers, config].map((part) => [part.digest, part])).values()]
  let newBytes = 0
  for (const [i, part] of [...parts, manifest].entries()) {
    status.now(`giving part ${i + 1} of ${parts.length + 1} (${shownBytes(part.bytes)})`)
    if (await give(part, part === manifest ? name : `${name} (part ${i + 1})`)) newBytes += part.bytes
  }
  const bytes = parts.reduce((sum, part) => sum + part.bytes, manifest.bytes)
  return { name, digest: manifest.digest, layers: layers.length, bytes, newBytes }
}

async function told<T>(what: string, task: () => Promise<T>): Promise<T> {
  try {
    return await task()
  } catch (cause) {
    if (!(cause instanceof ImageArchiveError || cause instanceof LocalEngineError)) throw cause
    throw new CliError(`${what}: ${cause.message}`, 125, { cause })
  }
}
