/** Outputs that go to buckets: see docs/decisions/0090-outputs-to-s3.md. */

import { inLanes } from '../../node/lanes.ts'
import { createS3 } from '../../node/network/s3.ts'
import { isInParts, uploadObject } from '../../node/network/s3-upload.ts'
import { entryName, type PlacedHeader } from '../../node/outputs/part.ts'
import { entriesOf } from '../../node/tar-entries.ts'
import type { LeftOut } from '../../protocol/left-out.ts'
import { MAX_LEFT_OUT } from '../../protocol/limits.ts'
import { keysOf, MAX_S3_KEY_BYTES } from '../../protocol/s3.ts'
import type { S3Target } from '../../protocol/s3-object.ts'
import { type SendComponents, type Span, type Spooled, spanOf } from './span.ts'

/** Files of one folder that become objects, as many as an input may have, and letters of all their names. */
const MAX_FILES = 100_000
const MAX_NAMES = 16 * 2 ** 20
/** Objects on their way at a time; of those that come in parts it is one. */
const LANES = 4

/** What was sent. */
export interface SentObjects {
  bytes: number
  /** Hex; empty of the objects of a prefix. */
  sha256: string
  objects: number
  /** What of it no object can be. */
  leftOut: LeftOut[]
}

/** There are more files than become objects. The message is for the job's owner. */
export class TooManyFilesError extends Error {
  override readonly name = 'TooManyFilesError'
}

/**
 * Sends a kept output to a bucket: to a key as one object, to a prefix each file of it as one.
 *
 * @param secrets the job's, of which the target names its keys
 * @throws {S3Error} @throws {OutsideError} @throws {TooManyFilesError}
 */
export async function sendToBucket(
  components: SendComponents,
  what: Spooled,
  { target, secrets }: { target: S3Target; secrets: Readonly<Record<string, string>> },
  signal: AbortSignal,
): Promise<SentObjects> {
  const { spool, outside, clock, logger } = components
  const { owner, name } = what
  const s3 = createS3({ outside, clock }, target, keysOf(target, secrets))
  const onFailed = (error: unknown): void => {
    logger.debug({ host: s3.host, error: String(error) }, 'an output was not taken')
  }
  const upload = async (key: string, span: Span, until: AbortSignal): Promise<string> => {
    const open = async (offset: number, length: number) => await spool.read(owner, span.offset + offset, length)
    return await uploadObject({ s3, clock, onFailed }, key, { bytes: span.length, open }, until)
  }
  if (target.key !== undefined) {
    const span = await spanOf(spool, what)
    const sha256 = await upload(target.key, span, signal)
    return { bytes: span.length, sha256, objects: 1, leftOut: [] }
  }
  const { prefix = '' } = target
  const root = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`
  const { files, leftOut } = await filesIn(spool, what, root)
  const all = [...files]
  for (const inParts of [true, false]) {
    const some = all.filter(([, { length }]) => isInParts(length) === inParts)
    await inLanes(inParts ? 1 : LANES, some, signal, async ([file, span], until) => {
      await upload(root + file, span, until)
    })
  }
  logger.debug({ host: s3.host, output: name, objects: all.length }, 'an output was sent')
  return { bytes: all.reduce((sum, [, { length }]) => sum + length, 0), sha256: '', objects: all.length, leftOut }
}

/** The files of an output by their names in it, and what of it no object can be. A folder is none of itself. */
async function filesIn({ read }: SendComponents['spool'], { owner, name }: Spooled, root: string) {
  const files = new Map<string, Span>()
  const leftOut: LeftOut[] = []
  let letters = 0
  const tar = await read(owner, 0)
  try {
    for await (const entry of entriesOf(tar)) {
      const { type, byteOffset, size = 0, linkname, ...header } = entry.header as PlacedHeader
      entry.resume()
      if (type === 'directory') continue
      const path = entryName(header.name)
      const file = within(name, path)
      const target = type === 'link' ? files.get(within(name, entryName(linkname ?? ''))) : undefined
      const span = type === 'link' || type === 'symlink' ? target : { offset: byteOffset, length: size }
      const problem = span === undefined ? 'is a link, and a bucket has none' : nameProblem(root, file)
      if (problem !== null && leftOut.length < MAX_LEFT_OUT) leftOut.push({ path, reason: problem })
      if (span === undefined || problem !== null) continue
      letters += file.length
      if (files.size >= MAX_FILES || letters > MAX_NAMES) {
        const most = `more than ${MAX_FILES} files, or names of more than ${MAX_NAMES} letters in all`
        throw new TooManyFilesError(`it has ${most}: give a key, and it goes as one tar`)
      }
      files.set(file, span)
    }
  } finally {
    tar.destroy()
  }
  return { files, leftOut }
}

/** What a file of the output is called in it; one that is all of it by the output's own name. */
function within(name: string, path: string): string {
  return path.startsWith(`${name}/`) ? path.slice(name.length + 1) : path
}

function nameProblem(root: string, file: string): string | null {
  if (file.split('/').some((part) => part === '' || part === '.' || part === '..')) {
    return 'has a name that no object can have'
  }
  const isLong = Buffer.byteLength(root + file) > MAX_S3_KEY_BYTES
  return isLong ? `has a name of more than ${MAX_S3_KEY_BYTES} bytes, its prefix included` : null
}
