import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { BusboyHeaders } from '@fastify/busboy'
import { abortedWithin } from '../../node/abort.ts'
import { type Revocation, revokedError } from '../auth/index.ts'
import { MAX_BASE_BYTES, MAX_BATCH_BODY_BYTES } from '../contract/batch-limits.ts'
import { type GatewayContext, principalOf } from '../http/context.ts'
import { GatewayError } from '../http/errors.ts'
import { UPLOAD_MS } from '../http/limits.ts'
import type { Share, Shares } from '../http/shares.ts'

/** A multipart body, its file on the disk. */
export interface Upload {
  fields: Map<string, string>
  /** Path of the file; null where none came. */
  file: string | null
  /** Hash of everything in it. */
  digest: string
  /** Removes the file. */
  dispose(): Promise<void>
}

/** Bodies of batches, taken in as they arrive: small fields in memory, the rest on the disk. */
export interface Uploads {
  /**
   * Takes a multipart body apart: the part `file` goes on the disk.
   * @throws {GatewayError} VALIDATION_ERROR, PAYLOAD_TOO_LARGE, RATE_LIMIT_EXCEEDED
   */
  readForm(c: GatewayContext): Promise<Upload>
  /** A whole body on the disk. @throws {GatewayError} VALIDATION_ERROR, PAYLOAD_TOO_LARGE, RATE_LIMIT_EXCEEDED */
  readBody(c: GatewayContext): Promise<Upload & { file: string }>
  /** Ends those that are still arriving. */
  letGo(): void
}

/**
 * Removes what an earlier run left behind.
 * @param components.bodies bytes of bodies that are held
 * @param init.folder where files are kept meanwhile; made where it is missing
 */
export async function openUploads(
  { bodies, revocation }: { bodies: Shares; revocation: Pick<Revocation, 'watch'> },
  { folder }: { folder: string },
): Promise<Uploads> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const closing = new AbortController()

  /** What one request takes: its bytes and its file are there until it is disposed of. */
  function open(c: GatewayContext, extension: string) {
    const path = join(folder, `${randomUUID()}.${extension}`)
    const principal = principalOf(c)
    const share = bodies.open(c, principal)
    const over = new AbortController()
    const release = revocation.watch(principal, () => over.abort(revokedError()))
    const signal = abortedWithin(UPLOAD_MS, closing.signal, over.signal)
    return {
      path,
      signal,
      /** Counts what passes. */
      body: () => bodyOf(c.req.raw).compose(bounded(share)),
      /** Writes all of it, and answers its hash. */
      async keep(source: Readable): Promise<string> {
        const hash = createHash('sha256')
        source.on('data', (chunk: Buffer) => hash.update(chunk))
        await pipeline(source, createWriteStream(path, { mode: 0o600 }), { signal })
        return hash.digest('hex')
      },
      async dispose(): Promise<void> {
        release()
        share.release()
        await rm(path, { force: true })
      },
    }
  }

  return {
    letGo: () => closing.abort(),
    async readForm(c) {
      const { path, signal, body, keep, dispose } = open(c, 'csv')
      const fields = new Map<string, string>()
      const digests: string[] = []
      let part: Readable | undefined
      let file: Promise<void> | undefined
      try {
        const parts = await openParts(c.req.raw)
        parts.on('field', (name, value, nameTruncated, truncated) => {
          if (nameTruncated || truncated) parts.destroy(tooLarge(`${name} is larger than ${MAX_BASE_BYTES} bytes`))
          else if (fields.has(name) || !['base', 'concurrency'].includes(name)) parts.destroy(unexpected(name))
          fields.set(name, value)
          digests.push(`${name} ${digestOf(value)}`)
        })
        parts.on('file', (name, stream) => {
          // Of a form that is refused, no part is kept.
          if (parts.destroyed || name !== 'file' || file !== undefined) {
            stream.resume()
            if (!parts.destroyed) parts.destroy(unexpected(name))
            return
          }
          part = stream
          file = keep(stream).then((digest) => void digests.push(`file ${digest}`))
          // Awaited below; where the body breaks off before, that error is the one to tell.
          file.catch(() => undefined)
        })
        await pipeline(body(), parts, { signal })
        await file
        const digest = digestOf(digests.toSorted().join('\n'))
        return { fields, file: file === undefined ? null : path, digest, dispose }
      } catch (error) {
        // Nothing more comes of it, and by itself it would wait for that: without an error also for what lies in it unread.
        part?.destroy(new Error('The form is refused, or broke off'))
        await file?.catch(() => undefined)
        await dispose()
        throw refusedBody(signal.reason ?? error, 'The body is not multipart/form-data, or it breaks off')
      }
    },
    async readBody(c) {
      const { path, signal, body, keep, dispose } = open(c, 'json')
      try {
        const digest = await keep(body())
        return { fields: new Map(), file: path, digest, dispose }
      } catch (error) {
        await dispose()
        throw refusedBody(signal.reason ?? error, 'The body breaks off')
      }
    },
  }
}

function refusedBody(error: unknown, message: string): GatewayError {
  return error instanceof GatewayError ? error : new GatewayError('VALIDATION_ERROR', message, { cause: error })
}

/** SHA-256 of a text, as hex: bodies are known again by it, and Idempotency-Keys. */
export function digestOf(value: string): string {
  return createHash('sha256').update(value).digest('hex')
}

async function openParts(request: Request) {
  const { Busboy } = await import('@fastify/busboy')
  const headers = { 'content-type': request.headers.get('content-type') ?? '' } as BusboyHeaders
  return new Busboy({ headers, limits: { fieldSize: MAX_BASE_BYTES, fields: 10, files: 2, parts: 12 } })
}

function bodyOf(request: Request): Readable {
  const length = Number(request.headers.get('content-length') ?? 0)
  if (length > MAX_BATCH_BODY_BYTES) throw tooLarge(`The body is larger than ${MAX_BATCH_BODY_BYTES} bytes`)
  return request.body === null ? Readable.from([]) : Readable.fromWeb(request.body as never)
}

function bounded(share: Share): Transform {
  let bytes = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      try {
        if (bytes > MAX_BATCH_BODY_BYTES) throw tooLarge(`The body is larger than ${MAX_BATCH_BODY_BYTES} bytes`)
        share.add(chunk.length)
        done(null, chunk)
      } catch (error) {
        done(error as Error)
      }
    },
  })
}

function tooLarge(message: string): GatewayError {
  return new GatewayError('PAYLOAD_TOO_LARGE', message)
}

function unexpected(name: string): GatewayError {
  const message = 'is not expected, or is there twice: send base, file and concurrency, each once'
  const fields = [{ path: name.slice(0, 128), message }]
  return new GatewayError('VALIDATION_ERROR', `${name.slice(0, 128)} ${message}`, { details: { fields, in: 'body' } })
}
