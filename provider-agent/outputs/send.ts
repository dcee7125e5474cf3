/** Outputs that go where a job says, straight from here: see docs/decisions/0088-outputs-that-go-elsewhere.md. */

import { createHash } from 'node:crypto'
import { Readable, Transform } from 'node:stream'
import { retried } from '../../node/backoff.ts'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { type Outside, OutsideError } from '../../node/network/outside.ts'
import { findPart } from '../../node/outputs/part.ts'
import type { OutputSpool } from './spool.ts'
import type { KeptOutput, OutputOwner } from './spool-folder.ts'

/** Tries to send one; each begins anew. */
const MOST_TRIES = 5
/** Answers that say: not now. */
const PASSING = [408, 425, 429]

/** A server's no; the message names its host and nothing else of the URL. */
class RefusedError extends Error {
  override readonly name = 'RefusedError'
}

/** What {@link sendKept} works with. */
export interface SendComponents {
  spool: Pick<OutputSpool, 'read'>
  outside: Outside
  clock: Clock
  logger: Logger
}

/** An output in the spool, and where it is to go. */
export interface ToSend {
  /** Of its entry in the spool. */
  owner: OutputOwner
  kept: KeptOutput
  /** What its entries begin with. */
  name: string
  url: string
}

/** What was sent: a single file as it is, anything else as a tar. */
export interface SentBytes {
  bytes: number
  /** Hex. */
  sha256: string
}

/**
 * Sends a kept output with one `PUT`, whose length is said. Nobody is followed elsewhere, and nothing is sent beside the bytes.
 *
 * @returns text for the job's owner where it did not go, which holds nothing of the URL but its host
 */
export async function sendKept(
  components: SendComponents,
  what: ToSend,
  signal: AbortSignal,
): Promise<SentBytes | string> {
  const { clock, logger } = components
  const { owner, url } = what
  const { host } = new URL(url)
  const span = await spanOf(components.spool, what)
  const worthAnother = (error: unknown, attempt: number): boolean => {
    logger.debug({ host, error: String(error) }, 'an output was not taken')
    return error instanceof OutsideError && ['unreachable', 'too-slow'].includes(error.code) && attempt < MOST_TRIES
  }
  try {
    return await retried(clock, signal, worthAnother, async () => await putOnce(components, owner, url, span, signal))
  } catch (error) {
    if (error instanceof RefusedError) return error.message
    if (signal.aborted) return `${host} did not take it in time`
    return error instanceof OutsideError ? problemOf(error, host) : `it could not be sent to ${host}`
  }
}

/** Of the owner's network nothing is told but that it is that. */
function problemOf({ code }: OutsideError, host: string): string {
  if (code === 'not-open')
    return `${host} is inside the provider’s network, which its owner allows with --allow-input-host`
  return code === 'too-slow' ? `${host} did not take it in time` : `${host} was not reached, or broke off`
}

interface Span {
  offset: number
  length: number
}

/** Where in the tar it stands: the contents of a file that is all there is, or all of the tar. */
async function spanOf(spool: SendComponents['spool'], { owner, kept, name }: ToSend): Promise<Span> {
  const open = async (_job: string, part: Span = { offset: 0, length: kept.bytes }) => ({
    bytes: kept.bytes,
    stream: await spool.read(owner, part.offset, part.length),
  })
  const part = await findPart({ open }, owner.jobId, name)
  return part?.type === 'file' ? { offset: part.offset, length: part.size } : { offset: 0, length: kept.bytes }
}

async function putOnce(
  { spool, outside }: SendComponents,
  owner: OutputOwner,
  url: string,
  { offset, length }: Span,
  signal: AbortSignal,
): Promise<SentBytes> {
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
    if (statusCode >= 200 && statusCode < 300) return { bytes: length, sha256: hash.digest('hex') }
    const message = `${target.host} answered ${statusCode}`
    if (statusCode >= 500 || PASSING.includes(statusCode)) throw new OutsideError('unreachable', message)
    throw new RefusedError(message)
  } finally {
    source.destroy()
    hashed.destroy()
  }
}
