/** Brings a file or folder of a bucket to the disk, several parts of it at a time. See docs/decisions/0085-inputs-from-s3.md. */

import { appendFile, type FileHandle, open, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { retried } from '../../node/backoff.ts'
import type { Clock } from '../../node/clock.ts'
import { deadline } from '../../node/deadline.ts'
import { inLanes } from '../../node/lanes.ts'
import type { Logger } from '../../node/logger.ts'
import type { Outside } from '../../node/network/outside.ts'
import { createS3, type S3, S3Error } from '../../node/network/s3.ts'
import { keysOf } from '../../protocol/s3.ts'
import type { S3Source } from '../../protocol/s3-object.ts'
import { DataError } from './data-error.ts'
import { IDLE_MS, isOfDisk, MAX_BREAKS, pieces, timed, type UrlPatience, unreached } from './patience.ts'
import { planOf, type S3Piece, type S3Plan } from './s3-plan.ts'

/** How long it may take to say what is there, in ms: a list of many thousand has many pages. */
const PLAN_MS = 600_000
/** Requests of one input at a time. */
const LANES = 4

/** What {@link fetchS3} works with. */
export interface FetchS3Components {
  outside: Outside
  clock: Clock
  logger: Logger
}

/** What of which bucket, and where it is kept while it comes. */
export interface S3Wanted {
  source: S3Source
  /** The job's secrets that it names. */
  secrets: Readonly<Record<string, string>>
  /** Of the input, for the job's owner. */
  path: string
  /** A file. Of what it holds already that is gone on from which is noted beside it, for the same objects. */
  part: string
  /** More content than this is not taken. */
  maxBytes: number
  /** Told how many bytes are there, and of how many. */
  onBytes: (bytes: number, total: number) => void
  /** Makes room for so many bytes in all. @throws {DataError} `no-space` */
  makeRoom: (bytes: number) => Promise<void>
}

/** What all lanes know. */
interface Trip {
  s3: S3
  file: FileHandle
  /** Pieces that are whole are noted here, a line each, behind what they are of. */
  notes: string
  progress: { received: number }
  clock: Clock
  idleMs: number
  /** Told of bytes that came. @throws {DataError} where it takes too long */
  came: (bytes: number) => void
}

/**
 * An object as a file, or a folder as a tar; answers its bytes.
 *
 * @throws {DataError} @throws what is wrong with the disk @throws the signal's reason
 */
export async function fetchS3(
  { outside, clock, logger }: FetchS3Components,
  wanted: S3Wanted,
  patience: UrlPatience,
  signal: AbortSignal,
): Promise<number> {
  const { source, secrets, path, part, onBytes, makeRoom } = wanted
  const s3 = createS3({ outside, clock }, source, keysOf(source, secrets))
  const where = { path, host: s3.host }
  const progress = { received: 0 }
  const inTime = timed(clock, where, progress, patience)
  const again = (): ((error: unknown) => boolean) => {
    let breaks = 0
    let before = progress.received
    return (error) => {
      if (error instanceof DataError || error instanceof S3Error || isOfDisk(error) || signal.aborted) return false
      logger.debug({ ...where, error: String(error) }, 'what comes from a bucket broke off')
      breaks = progress.received > before ? 0 : breaks + 1
      before = progress.received
      inTime()
      return breaks < MAX_BREAKS
    }
  }
  try {
    const plan = await retried(clock, signal, again(), async () => await planned(s3, wanted, clock, signal))
    await makeRoom(plan.bytes)
    const notes = part.replace(/\.part$/, '.notes.part')
    const name = `${clock.sinceBoot?.()?.bootId ?? ''} ${s3.host} ${plan.digest}`
    const done = await noted(notes, part, name, plan)
    await using file = await open(part, done === null ? 'w+' : 'r+', 0o600)
    if (done === null) await begin(file, notes, name, plan)
    const left = plan.pieces.filter((_, i) => done?.has(i) !== true)
    let there = plan.bytes - left.reduce((sum, { bytes }) => sum + bytes, 0)
    const came = (bytes: number): void => {
      there += bytes
      progress.received += bytes
      onBytes(there, plan.bytes)
      inTime()
    }
    came(0)
    const trip = { s3, file, notes, progress, clock, idleMs: patience.idleMs ?? IDLE_MS, came }
    await all(trip, plan, left, again, signal)
    await rm(notes, { force: true })
    return plan.bytes
  } catch (error) {
    signal.throwIfAborted()
    throw told(error, where)
  }
}

async function planned(s3: S3, wanted: S3Wanted, clock: Clock, signal: AbortSignal): Promise<S3Plan> {
  const limit = deadline(clock, PLAN_MS, signal)
  try {
    return await planOf(s3, wanted, limit.signal)
  } catch (error) {
    signal.throwIfAborted()
    throw limit.signal.aborted ? new DataError('url-too-slow', wanted.path, s3.host) : error
  } finally {
    limit.clear()
  }
}

/** What of the plan is in the part already; null where that holds anything else. Notes of before the machine's start count for nothing. */
async function noted(notes: string, part: string, name: string, { bytes }: S3Plan): Promise<Set<number> | null> {
  const [first, ...lines] = (await readFile(notes, 'utf8').catch(() => '')).split('\n')
  const size = (await stat(part).catch(() => null))?.size
  if (first !== name || size !== bytes) return null
  // The last line may have broken off, and is empty where not.
  return new Set(lines.slice(0, -1).map(Number))
}

async function begin(file: FileHandle, notes: string, name: string, plan: S3Plan): Promise<void> {
  await rm(notes, { force: true })
  await file.truncate(plan.bytes)
  for (const { at, block } of plan.headers()) await file.write(block, 0, block.length, at)
  await writeFile(notes, `${name}\n`, { mode: 0o600 })
}

async function all(
  trip: Trip,
  plan: S3Plan,
  left: readonly S3Piece[],
  again: () => (error: unknown) => boolean,
  signal: AbortSignal,
): Promise<void> {
  const placeOf = new Map(plan.pieces.map((piece, i) => [piece, i]))
  await inLanes(LANES, left, signal, async (piece, until) => {
    const state = { there: 0 }
    await retried(trip.clock, until, again(), async () => await bring(trip, piece, state, until))
    await appendFile(trip.notes, `${placeOf.get(piece)}\n`)
  })
}

/** What of a piece is not there yet. */
async function bring(
  { s3, file, clock, idleMs, came }: Trip,
  { key, etag, from, bytes, at }: S3Piece,
  state: { there: number },
  signal: AbortSignal,
): Promise<void> {
  // Without a name for its content nobody can say that the rest is of the same.
  if (etag === null) {
    came(-state.there)
    state.there = 0
  }
  const first = (from ?? 0) + state.there
  const isPart = from !== null || state.there > 0
  const last = (from ?? 0) + bytes - 1
  const headers = {
    ...(isPart && { range: `bytes=${first}-${last}` }),
    ...(etag !== null && { 'if-match': etag }),
  }
  const answer = await s3.send({ method: 'GET', key, headers, signal })
  try {
    const { statusCode, headers: said } = answer
    const isRight = isPart
      ? statusCode === 206 && said['content-range']?.startsWith(`bytes ${first}-${last}/`) === true
      : statusCode === 200 && Number(said['content-length'] ?? bytes) === bytes
    if (!isRight || (etag !== null && said.etag !== etag)) throw new S3Error('changed', `${s3.host} gives another`)
    for await (const chunk of pieces(answer, clock, idleMs)) {
      if (state.there + chunk.length > bytes) throw new S3Error('changed', `${s3.host} gives more`)
      await file.write(chunk, 0, chunk.length, at + state.there)
      state.there += chunk.length
      came(chunk.length)
    }
    if (state.there < bytes) throw new Error('it ended before its end')
  } finally {
    answer.destroy()
  }
}

const REASONS = {
  'not-found': 'bucket-not-found',
  refused: 'bucket-refused',
  'wrong-region': 'bucket-elsewhere',
  changed: 'bucket-changed',
  'not-given': 'bucket-not-given',
  range: 'bucket-changed',
} as const satisfies Record<S3Error['code'], ConstructorParameters<typeof DataError>[0]>

/** As the job's owner is told. */
function told(error: unknown, { path, host }: { path: string; host: string }): unknown {
  if (error instanceof DataError || isOfDisk(error)) return error
  if (error instanceof S3Error) return new DataError(REASONS[error.code], path, error.message)
  return unreached(error, { path, host })
}
