import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Busboy, type BusboyHeaders } from '@fastify/busboy'
import { GatewayError } from '../errors.ts'
import { MAX_BASE_BYTES, MAX_BATCH_BODY_BYTES } from './limits.ts'

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

/**
 * Takes a multipart body apart as it arrives: small fields in memory, the part `file` on the disk.
 * @param folder where files are kept meanwhile; made where it is missing
 * @throws {GatewayError} VALIDATION_ERROR, PAYLOAD_TOO_LARGE
 */
export async function readUpload(request: Request, folder: string): Promise<Upload> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, `${randomUUID()}.csv`)
  const dispose = async () => await rm(path, { force: true })
  const fields = new Map<string, string>()
  const digests: string[] = []
  let file: Promise<void> | undefined
  try {
    const parts = openParts(request)
    parts.on('field', (name, value, nameTruncated, truncated) => {
      if (nameTruncated || truncated) parts.destroy(tooLarge(`${name} is larger than ${MAX_BASE_BYTES} bytes`))
      else if (fields.has(name) || !['base', 'concurrency'].includes(name)) parts.destroy(unexpected(name))
      fields.set(name, value)
      digests.push(`${name} ${digestOf(value)}`)
    })
    parts.on('file', (name, stream) => {
      if (name !== 'file' || file !== undefined) {
        stream.resume()
        parts.destroy(unexpected(name))
        return
      }
      const hash = createHash('sha256')
      stream.on('data', (chunk: Buffer) => hash.update(chunk))
      file = pipeline(stream, createWriteStream(path, { mode: 0o600 })).then(() => {
        digests.push(`file ${hash.digest('hex')}`)
      })
      // Awaited below; where the body breaks off before, that error is the one to tell.
      file.catch(() => undefined)
    })
    await pipeline(bodyOf(request), bounded(), parts)
    await file
    const digest = digestOf(digests.toSorted().join('\n'))
    return { fields, file: file === undefined ? null : path, digest, dispose }
  } catch (error) {
    await file?.catch(() => undefined)
    await dispose()
    if (error instanceof GatewayError) throw error
    throw new GatewayError('VALIDATION_ERROR', 'The body is not multipart/form-data, or it breaks off', {
      cause: error,
    })
  }
}

/** A body as bytes in memory. @throws {GatewayError} PAYLOAD_TOO_LARGE */
export async function readBody(request: Request): Promise<Buffer> {
  const chunks: Buffer[] = []
  await pipeline(bodyOf(request), bounded(), async (source) => {
    for await (const chunk of source) chunks.push(chunk as Buffer)
  })
  return Buffer.concat(chunks)
}

export function digestOf(value: string | Buffer): string {
  return createHash('sha256').update(value).digest('hex')
}

function openParts(request: Request) {
  const headers = { 'content-type': request.headers.get('content-type') ?? '' } as BusboyHeaders
  return new Busboy({ headers, limits: { fieldSize: MAX_BASE_BYTES, fields: 10, files: 2, parts: 12 } })
}

function bodyOf(request: Request): Readable {
  const length = Number(request.headers.get('content-length') ?? 0)
  if (length > MAX_BATCH_BODY_BYTES) throw tooLarge(`The body is larger than ${MAX_BATCH_BODY_BYTES} bytes`)
  return request.body === null ? Readable.from([]) : Readable.fromWeb(request.body as never)
}

function bounded(): Transform {
  let bytes = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      if (bytes > MAX_BATCH_BODY_BYTES) done(tooLarge(`The body is larger than ${MAX_BATCH_BODY_BYTES} bytes`))
      else done(null, chunk)
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
