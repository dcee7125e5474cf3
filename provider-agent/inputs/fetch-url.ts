import { createHash, type Hash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { retried } from '../../node/backoff.ts'
import type { Clock } from '../../node/clock.ts'
import { hashFile } from '../../node/hash-file.ts'
import type { Logger } from '../../node/logger.ts'
import type { Outside } from '../../node/network/outside.ts'
import type { UrlSource } from '../../protocol/job-inputs.ts'
import { DataError } from './data-error.ts'
import { openUrl } from './open-url.ts'
import { IDLE_MS, isOfDisk, MAX_BREAKS, pieces, timed, type UrlPatience, unreached } from './patience.ts'

/** Room is made in such steps where nobody says how much comes, in bytes. */
const STEP_BYTES = 64 * 2 ** 20
/** A time of the last change tells one content from another once it is so old, in ms (RFC 9110, 8.8.2.2). */
const SETTLED_MS = 60_000

/** What {@link fetchUrl} works with. */
export interface FetchUrlComponents {
  outside: Outside
  clock: Clock
  logger: Logger
}

/** Which file, and where it is kept while it comes. */
export interface UrlWanted {
  source: UrlSource
  /** Of the input, for the job's owner. */
  path: string
  /** A file. What it holds already is gone on from where the digest is known, for that tells whether it was right. */
  part: string
  /** More than this is not taken, whatever the server says. */
  maxBytes: number
  /** Told how many bytes are there, and of how many where the server says that. */
  onBytes: (bytes: number, total: number | null) => void
  /** Makes room for so many bytes in all. @throws {DataError} `no-space` */
  makeRoom: (bytes: number) => Promise<void>
}

/** What one try leaves to the next. */
interface Progress {
  /** What the server calls the content of which the part holds the beginning; null where that is not known. */
  validator: string | null
  /** Bytes that came, all tries together. */
  received: number
  /** The most of the file that was ever there. */
  most: number
}

/**
 * Brings a URL's file to the disk, going on where a connection broke, and checks it by its digest; answers its bytes.
 *
 * @throws {DataError} @throws what is wrong with the disk @throws the signal's reason
 */
export async function fetchUrl(
  components: FetchUrlComponents,
  wanted: UrlWanted,
  patience: UrlPatience,
  signal: AbortSignal,
): Promise<number> {
  const { clock, logger } = components
  const { source, path } = wanted
  const { host } = new URL(source.url)
  const progress: Progress = { validator: null, received: 0, most: 0 }
  const inTime = timed(clock, { path, host }, progress, patience)
  let breaks = 0
  let mostBefore = 0
  const worthAnother = (error: unknown): boolean => {
    if (error instanceof DataError || isOfDisk(error)) return false
    logger.debug({ host, path, error: String(error) }, 'what comes from a URL broke off')
    breaks = progress.most > mostBefore ? 0 : breaks + 1
    mostBefore = progress.most
    return breaks < MAX_BREAKS
  }
  try {
    return await retried(clock, signal, worthAnother, async () => {
      inTime()
      return await tryOnce({ ...components, inTime, idleMs: patience.idleMs ?? IDLE_MS }, wanted, progress, signal)
    })
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof DataError || isOfDisk(error)) throw error
    throw unreached(error, { path, host })
  }
}

async function tryOnce(
  { outside, clock, inTime, idleMs }: FetchUrlComponents & { inTime: () => void; idleMs: number },
  wanted: UrlWanted,
  progress: Progress,
  signal: AbortSignal,
): Promise<number> {
  const { source, path, part, maxBytes, onBytes, makeRoom } = wanted
  const { url, sha256 } = source
  await using file = await open(part, 'a', 0o600)
  let hash = createHash('sha256')
  let there = await kept(file, wanted, progress, hash)
  if (there > 0 && hash.copy().digest('hex') === sha256) return there
  const headers = rangeFrom(there, progress.validator)
  const answer = await openUrl(outside, { url, isChecked: sha256 !== undefined, headers, path }, signal)
  try {
    const start = startOf(answer, there, progress.validator)
    if (start === null) {
      await file.truncate(0)
      throw new Error('it does not go on from there')
    }
    if (start === 0) {
      if (there > 0) hash = createHash('sha256')
      there = 0
      await file.truncate(0)
    }
    const total = totalOf(answer, start)
    if (total !== null && total > maxBytes) throw new DataError('larger-than-storage', path)
    progress.validator = validatorOf(answer.headers)
    await makeRoom(total ?? 0)
    onBytes(there, total)
    for await (const piece of pieces(answer, clock, idleMs)) {
      there += piece.length
      progress.received += piece.length
      if (there > maxBytes) throw new DataError('larger-than-storage', path)
      if (total === null) await makeRoom(Math.min(maxBytes, Math.ceil(there / STEP_BYTES) * STEP_BYTES))
      await file.appendFile(piece)
      if (sha256 !== undefined) hash.update(piece)
      progress.most = Math.max(progress.most, there)
      onBytes(there, total)
      inTime()
    }
    if (total !== null && there < total) throw new Error('it ended before its end')
    if (sha256 === undefined || hash.digest('hex') === sha256) return there
    await file.truncate(0)
    // Its beginning may be of another time.
    throw start > 0 ? new Error('it is not what its digest says') : new DataError('digest-mismatch', path)
  } finally {
    answer.destroy()
  }
}

/** What an earlier try left and can be gone on from, in bytes; it is hashed where the digest is known. */
async function kept(file: FileHandle, wanted: UrlWanted, { validator }: Progress, hash: Hash): Promise<number> {
  const { part, source, maxBytes } = wanted
  const { size } = await file.stat()
  if (size > maxBytes || (source.sha256 === undefined && validator === null)) {
    await file.truncate(0)
    return 0
  }
  if (source.sha256 !== undefined) await hashFile(part, hash)
  return size
}

function rangeFrom(there: number, validator: string | null): Record<string, string> {
  if (there === 0) return {}
  return { range: `bytes=${there}-`, ...(validator !== null && { 'if-range': validator }) }
}

/** Where the answer's bytes begin; null where they are not what was asked for, so that it is begun anew. */
function startOf({ statusCode, headers }: IncomingMessage, there: number, validator: string | null): number | null {
  if (statusCode === 200) return 0
  const [, first] = /^bytes (\d+)-/.exec(headers['content-range'] ?? '') ?? []
  const isSame = validator === null || validatorOf(headers) === null || validatorOf(headers) === validator
  return statusCode === 206 && there > 0 && first === String(there) && isSame ? there : null
}

/** Bytes of the whole file, where the server says that. */
function totalOf({ headers }: IncomingMessage, start: number): number | null {
  const length = /^\d{1,15}$/.exec(headers['content-length'] ?? '')
  return length === null ? null : start + Number(length[0])
}

/** What tells this content from any other of the same URL (RFC 9110, 8.8); null where nothing does. */
function validatorOf(headers: IncomingHttpHeaders): string | null {
  const { etag, 'last-modified': modified, date } = headers
  if (etag !== undefined) return /^"[\x21\x23-\x7e]{1,1024}"$/.test(etag) ? etag : null
  const isSettled = Date.parse(date ?? '') - Date.parse(modified ?? '') >= SETTLED_MS
  return isSettled && modified !== undefined ? modified : null
}
