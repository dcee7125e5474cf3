/**
 * Puts an object into a bucket, in parts where it is large: none of them is in memory, each is signed with what it holds, and
 * one that fails comes again alone. See docs/decisions/0090-outputs-to-s3.md.
 */

import { createHash, type Hash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { retried } from '../backoff.ts'
import type { Clock } from '../clock.ts'
import { deadline } from '../deadline.ts'
import { inLanes } from '../lanes.ts'
import { type OutsideAnswer, OutsideError } from './outside.ts'
import { type S3, S3Error } from './s3.ts'
import { readXml, textOf } from './xml.ts'

/** The least of a part, in bytes: S3 takes none below 5 MiB but the last. What is no larger than two is put at once. */
const PART_BYTES = 8 * 2 ** 20
/** Parts of one object (S3's own limit). */
const MOST_PARTS = 10_000
/** Parts on their way at a time. */
const LANES = 4
/** Tries of each request. */
const MOST_TRIES = 5
/** How long a server may put the parts together, in ms; it sends spaces meanwhile. */
const JOINING_MS = 600_000
/** How long one that failed is tried to be taken back, in ms. */
const ABANDON_MS = 10_000
const MAX_ANSWER_BYTES = 64 * 1024
/** What an answer of status 200 says in place of an object where another try may do better. */
const PASSING = ['InternalError', 'SlowDown', 'ServiceUnavailable', 'RequestTimeout']

/** What {@link uploadObject} works with. */
export interface UploadComponents {
  s3: S3
  clock: Clock
  /** Told of each try that failed. */
  onFailed: (error: unknown) => void
}

/** What becomes an object. */
export interface ObjectSource {
  bytes: number
  /** @param length above 0 */
  open(offset: number, length: number): Promise<Readable>
}

/** Makes or replaces an object; answers its SHA-256, hex. @throws {S3Error} @throws {OutsideError} @throws what reading throws */
export async function uploadObject(
  components: UploadComponents,
  key: string,
  source: ObjectSource,
  signal: AbortSignal,
): Promise<string> {
  if (isInParts(source.bytes)) return await inParts(components, key, source, signal)
  const hash = createHash('sha256')
  await read(source, { offset: 0, length: source.bytes }, [hash])
  const sha256 = hash.digest('hex')
  await put(components, { key, source, offset: 0, length: source.bytes, sha256 }, signal)
  return sha256
}

/** Whether an object of so many bytes comes in parts, several at a time. */
export function isInParts(bytes: number): boolean {
  return bytes > 2 * PART_BYTES
}

interface Part {
  offset: number
  length: number
}

interface Put extends Part {
  key: string
  source: ObjectSource
  /** Of what is sent, hex. */
  sha256: string
  /** Which part of which upload. @default the whole object */
  query?: Record<string, string>
}

async function read({ open }: ObjectSource, { offset, length }: Part, hashes: Hash[]): Promise<void> {
  if (length === 0) return
  const stream = await open(offset, length)
  for await (const chunk of stream) for (const hash of hashes) hash.update(chunk as Buffer)
}

/** Answers its `ETag`. */
async function put(components: UploadComponents, what: Put, signal: AbortSignal): Promise<string> {
  const { s3, clock } = components
  const { key, source, offset, length, sha256, query = {} } = what
  const headers = { 'content-length': String(length), 'x-amz-content-sha256': sha256 }
  return await retried(clock, signal, again(components), async () => {
    const body = length === 0 ? undefined : await source.open(offset, length)
    // Whoever sends it hears of an error there.
    body?.on('error', () => undefined)
    try {
      const request = { method: 'PUT', key, query, headers, signal } as const
      const answer = await s3.send(body === undefined ? request : { ...request, body })
      answer.destroy()
      return answer.headers.etag ?? ''
    } finally {
      body?.destroy()
    }
  })
}

function again({ onFailed }: UploadComponents): (error: unknown, attempt: number) => boolean {
  return (error, attempt) => {
    onFailed(error)
    const isPassing = error instanceof OutsideError && ['unreachable', 'too-slow'].includes(error.code)
    return isPassing && attempt + 1 < MOST_TRIES
  }
}

async function inParts(
  components: UploadComponents,
  key: string,
  source: ObjectSource,
  signal: AbortSignal,
): Promise<string> {
  const uploadId = await begin(components, key, signal)
  try {
    const parts = partsOf(source.bytes)
    const tags = new Map<number, string>()
    const whole = createHash('sha256')
    let before = Promise.resolve('')
    await inLanes(LANES, parts.entries(), signal, async ([index, part], until) => {
      // One after the other, as they are begun: the hash of all is that of their order.
      before = before.then(async () => {
        const own = createHash('sha256')
        await read(source, part, [own, whole])
        return own.digest('hex')
      })
      const sha256 = await before
      const query = { partNumber: String(index + 1), uploadId }
      const etag = await put(components, { key, source, ...part, sha256, query }, until)
      if (!/^"?[\x21\x23-\x7e]{1,256}"?$/.test(etag)) {
        throw new S3Error('not-given', `${components.s3.host} does not say what it took`)
      }
      tags.set(index + 1, etag)
    })
    await complete(components, { key, uploadId, bytes: source.bytes, tags }, signal)
    return whole.digest('hex')
  } catch (error) {
    await abandon(components, key, uploadId)
    throw error
  }
}

function partsOf(bytes: number): Part[] {
  const least = Math.ceil(bytes / MOST_PARTS / 2 ** 20) * 2 ** 20
  const length = Math.max(PART_BYTES, least)
  return Array.from({ length: Math.ceil(bytes / length) }, (_, i) => {
    return { offset: i * length, length: Math.min(length, bytes - i * length) }
  })
}

/** Answers the upload's id. */
async function begin(components: UploadComponents, key: string, signal: AbortSignal): Promise<string> {
  const { s3, clock } = components
  const headers = { 'content-length': '0', 'x-amz-content-sha256': createHash('sha256').digest('hex') }
  return await retried(clock, signal, again(components), async () => {
    const answer = await s3.send({ method: 'POST', key, query: { uploads: '' }, headers, signal })
    const said = await xmlOf(s3, answer)
    const id = textOf(said, 'UploadId')
    if (id === '' || id.length > 4_096) throw new S3Error('not-given', `${s3.host} begins no upload in parts`)
    return id
  })
}

async function xmlOf({ host }: S3, answer: OutsideAnswer) {
  try {
    return await readXml(answer, MAX_ANSWER_BYTES, JOINING_MS)
  } catch (error) {
    throw new OutsideError('unreachable', `${host} sent no answer to its end`, { cause: error })
  } finally {
    answer.destroy()
  }
}

interface Complete {
  key: string
  uploadId: string
  bytes: number
  /** By the number of the part. */
  tags: ReadonlyMap<number, string>
}

async function complete(components: UploadComponents, what: Complete, signal: AbortSignal): Promise<void> {
  const { s3, clock } = components
  const { key, uploadId, tags } = what
  const parts = [...tags]
    .toSorted(([a], [b]) => a - b)
    .map(([number, etag]) => `<Part><PartNumber>${number}</PartNumber><ETag>${escaped(etag)}</ETag></Part>`)
  const list = `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${parts.join('')}</CompleteMultipartUpload>`
  const body = Buffer.from(list)
  const headers = {
    'content-length': String(body.length),
    'content-type': 'application/xml',
    'x-amz-content-sha256': createHash('sha256').update(body).digest('hex'),
  }
  let tries = 0
  await retried(clock, signal, again(components), async () => {
    tries += 1
    try {
      const answer = await s3.send({ method: 'POST', key, query: { uploadId }, headers, body, signal })
      const said = await xmlOf(s3, answer)
      const code = textOf(said, 'Code').replace(/[^\w.-]/g, '')
      if (code === '') return
      const message = `${s3.host} answered ${code.slice(0, 64)}`
      throw PASSING.includes(code) ? new OutsideError('unreachable', message) : new S3Error('not-given', message)
    } catch (error) {
      const isGone = error instanceof S3Error && error.code === 'not-found'
      // A try whose answer did not come may have been taken.
      if (tries > 1 && isGone && (await isThere(s3, what, signal))) return
      throw error
    }
  })
}

async function isThere(s3: S3, { key, bytes, tags }: Complete, signal: AbortSignal): Promise<boolean> {
  const answer = await s3.send({ method: 'HEAD', key, signal }).catch(() => null)
  answer?.destroy()
  const { 'content-length': length, etag = '' } = answer?.headers ?? {}
  const [, parts] = /-(\d+)"?$/.exec(etag) ?? []
  return length === String(bytes) && (parts === undefined || parts === String(tags.size))
}

/** Takes back what came of it: the server keeps that otherwise, and whose bucket it is pays for it. */
async function abandon(components: UploadComponents, key: string, uploadId: string): Promise<void> {
  const { s3, clock } = components
  const limit = deadline(clock, ABANDON_MS)
  const { signal } = limit
  try {
    await retried(clock, signal, again(components), async () => {
      const answer = await s3.send({ method: 'DELETE', key, query: { uploadId }, signal })
      answer.destroy()
    })
  } catch (error) {
    components.onFailed(error)
  } finally {
    limit.clear()
  }
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`)
}
