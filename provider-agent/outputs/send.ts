/** Outputs that go where a job says, straight from here: see docs/decisions/0088-outputs-that-go-elsewhere.md. */

import { createHash } from 'node:crypto'
import { Readable, Transform } from 'node:stream'
import { retried } from '../../node/backoff.ts'
import { isForNow, OutsideError } from '../../node/network/outside.ts'
import { S3Error } from '../../node/network/s3.ts'
import { hostOfTarget, type OutputTarget } from '../../protocol/job-outputs.ts'
import type { SentReason } from '../../protocol/sent-failures.ts'
import { type SentObjects, sendToBucket, TooManyFilesError } from './send-s3.ts'
import { type SendComponents, type Span, type Spooled, spanOf } from './span.ts'
import type { OutputOwner } from './spool-folder.ts'

/** Tries to send one; each begins anew. */
const MOST_TRIES = 5

/** A server's no; the message names its host and nothing else of the URL. */
class RefusedError extends Error {
  override readonly name = 'RefusedError'
}

/** Where an output is to go, and by which keys. */
export interface Destination {
  to: OutputTarget
  /** Of the job's secrets those that its outputs name; null where they are not here any more. */
  keys: Readonly<Record<string, string>> | null
}

/** Why an output did not go. */
export interface NotSent {
  reason: SentReason
  /** For the job's owner; it holds nothing of a URL but its host, and no key. */
  problem: string
}

/** Why it is not even to be tried; null where it is. */
export function obstacleTo({ to, keys }: Destination): NotSent | null {
  if (to.s3?.accessKeyId === undefined || keys !== null) return null
  const problem = 'the agent was restarted after the job had begun, and has its keys no more'
  return { reason: 'keys-lost', problem }
}

/**
 * Sends a kept output: to a URL with one `PUT`, whose length is said, to a bucket as {@link sendToBucket} does. Nobody is
 * followed elsewhere, and nothing is sent beside the bytes.
 */
export async function sendKept(
  components: SendComponents,
  what: Spooled,
  { to, keys }: Destination,
  signal: AbortSignal,
): Promise<SentObjects | NotSent> {
  try {
    if (to.s3 === undefined) return await sendToUrl(components, what, to.url ?? '', signal)
    return await sendToBucket(components, what, { target: to.s3, secrets: keys ?? {} }, signal)
  } catch (error) {
    return told(error, hostOfTarget(to), signal)
  }
}

const BUCKET_REASONS = {
  'not-found': 'bucket-not-found',
  refused: 'bucket-refused',
  'wrong-region': 'bucket-elsewhere',
  changed: 'bucket-not-taken',
  'not-given': 'bucket-not-taken',
  range: 'bucket-not-taken',
} as const satisfies Record<S3Error['code'], SentReason>

/** Of the owner's network nothing is told but that it is that. */
function told(error: unknown, host: string, signal: AbortSignal): NotSent {
  if (error instanceof RefusedError) return { reason: 'url-refused', problem: error.message }
  if (error instanceof S3Error) return { reason: BUCKET_REASONS[error.code], problem: error.message }
  if (error instanceof TooManyFilesError) return { reason: 'too-many-files', problem: error.message }
  const code = error instanceof OutsideError ? error.code : null
  if (signal.aborted || code === 'too-slow') return { reason: 'too-slow', problem: `${host} did not take it in time` }
  if (code === 'not-open') {
    const problem = `${host} is inside the provider’s network, which its owner allows with --allow-input-host`
    return { reason: 'not-allowed', problem }
  }
  if (code === 'no-tls') {
    const problem = `${host} has no TLS, without which its owner allows it with --allow-input-host`
    return { reason: 'not-allowed', problem }
  }
  if (code === null) return { reason: 'not-sent', problem: `it could not be sent to ${host}` }
  return { reason: 'unreachable', problem: `${host} was not reached, or broke off` }
}

async function sendToUrl(
  components: SendComponents,
  what: Spooled,
  url: string,
  signal: AbortSignal,
): Promise<SentObjects> {
  const { clock, logger } = components
  const { host } = new URL(url)
  const span = await spanOf(components.spool, what)
  const worthAnother = (error: unknown, attempt: number): boolean => {
    logger.debug({ host, error: String(error) }, 'an output was not taken')
    return error instanceof OutsideError && ['unreachable', 'too-slow'].includes(error.code) && attempt + 1 < MOST_TRIES
  }
  return await retried(clock, signal, worthAnother, async () => {
    const sha256 = await putOnce(components, what.owner, url, span, signal)
    return { bytes: span.length, sha256, objects: 0, leftOut: [] }
  })
}

/** Answers the SHA-256 of what was sent, hex. */
async function putOnce(
  { spool, outside }: SendComponents,
  owner: OutputOwner,
  url: string,
  { offset, length }: Span,
  signal: AbortSignal,
): Promise<string> {
  const target = new URL(url)
  const hash = createHash('sha256')
  const hashed = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk)
      done(null, chunk)
    },
  })
  const source = length === 0 ? Readable.from([]) : await spool.read(owner, offset, length)
  source.on('error', (error) => hashed.destroy(error))
  const headers = { 'content-length': String(length), 'user-agent': 'cortex-node' }
  try {
    const body = source.pipe(hashed)
    const answer = await outside.send(target, { method: 'PUT', headers, signal, body })
    const { statusCode = 0 } = answer
    answer.destroy()
    if (statusCode >= 200 && statusCode < 300) return hash.digest('hex')
    const message = `${target.host} answered ${statusCode}`
    if (isForNow(statusCode)) throw new OutsideError('unreachable', message)
    throw new RefusedError(message)
  } finally {
    source.destroy()
    hashed.destroy()
  }
}
