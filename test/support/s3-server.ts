/** S3 on loopback: s3rver, behind a door that checks signatures, which that does not, and that knows `If-Match`. */

import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import {
  createServer as createPlainServer,
  type IncomingHttpHeaders,
  type RequestListener,
  type ServerResponse,
} from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import S3rver from 's3rver'
import { systemClock } from '../../node/clock.ts'
import { createOutside } from '../../node/network/outside.ts'
import { createS3 } from '../../node/network/s3.ts'
import { signedBy } from './s3-signature.ts'

/** Who may do anything at the server. */
export const S3_KEYS = { accessKeyId: 'AKIATESTEXAMPLE', secretAccessKey: 'test/Secret+Key0123456789' }

/** A server with empty buckets. */
export interface S3Server {
  /** With its port. */
  host: string
  endpoint: string
  /** What was asked, in order. */
  asked: { method: string; path: string; headers: IncomingHttpHeaders }[]
  /** Uploads in parts that were given up, by their ids. */
  abandoned: string[]
  /** Answers in place of the server, whatever is asked; false leaves it to that. */
  meanwhile: (...asked: Parameters<RequestListener>) => boolean
  close(): Promise<void>
}

/**
 * @param tls its key and certificate; null is a server without TLS
 * @param init.open buckets that everybody may read, and write to
 */
export async function startS3Server(
  tls: { key: string; cert: string } | null,
  { buckets, open = [], region = 'us-east-1' }: { buckets: string[]; open?: string[]; region?: string },
): Promise<S3Server> {
  const directory = await mkdtemp(join(tmpdir(), 'cortex-s3-'))
  const rules = { silent: true, vhostBuckets: false, allowMismatchedSignatures: true }
  const all = buckets.map((name) => ({ name, configs: [] }))
  const store = new S3rver({ directory, ...rules, configureBuckets: all })
  await store.configureBuckets()
  const inner = store.callback()
  const server: S3Server = { host: '', endpoint: '', asked: [], abandoned: [], meanwhile: () => false, close }

  function problemOf(request: Parameters<RequestListener>[0]): [number, string, string?] | null {
    const by = signedBy(request, (id) => (id === S3_KEYS.accessKeyId ? S3_KEYS.secretAccessKey : 'none'))
    const bucket = request.url?.split(/[/?]/)[1] ?? ''
    if (by === null) return open.includes(bucket) ? null : [403, 'AccessDenied']
    if (by.region !== region) return [400, 'AuthorizationHeaderMalformed', region]
    if (by.accessKeyId !== S3_KEYS.accessKeyId) return [403, 'InvalidAccessKeyId']
    return by.isRight ? null : [403, 'SignatureDoesNotMatch']
  }

  const listener: RequestListener = (request, response) => {
    const { method = '', url = '', headers } = request
    server.asked.push({ method, path: url, headers: { ...headers } })
    if (server.meanwhile(request, response)) return
    const problem = problemOf(request)
    if (problem !== null) return refuse(response, ...problem)
    const upload = new URL(url, 'https://none').searchParams.get('uploadId')
    if (method === 'DELETE' && upload !== null) {
      server.abandoned.push(upload)
      return void response.writeHead(204).end()
    }
    const wanted = headers['if-match']
    // It would be refused as a kind of authorization that is not known there.
    delete headers.authorization
    if (wanted !== undefined) holdTo(response, wanted)
    inner(request, response)
  }
  const http = (tls === null ? createPlainServer(listener) : createServer(tls, listener)).listen(0, '127.0.0.1')
  await once(http, 'listening')
  server.host = `127.0.0.1:${(http.address() as AddressInfo).port}`
  server.endpoint = `${tls === null ? 'http' : 'https'}://${server.host}`

  async function close(): Promise<void> {
    http.close()
    http.closeAllConnections()
    await once(http, 'close')
    await rm(directory, { recursive: true, force: true })
  }
  return server
}

/** As the server of Amazon says no. */
export function refuse(response: ServerResponse, status: number, code: string, region?: string): void {
  const more = region === undefined ? '' : `<Region>${region}</Region>`
  response.writeHead(status, { 'content-type': 'application/xml' })
  response.end(
    `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>no</Message>${more}</Error>`,
  )
}

/** Refuses what is another object by now. */
function holdTo(response: ServerResponse, etag: string): void {
  const { writeHead } = response
  const held = (...given: unknown[]): ServerResponse => {
    const isOther = response.statusCode < 300 && response.getHeader('etag') !== etag
    if (!isOther) return Reflect.apply(writeHead, response, given) as ServerResponse
    for (const name of response.getHeaderNames()) response.removeHeader(name)
    response.setHeader('content-length', 0)
    return writeHead.call(response, 412)
  }
  response.writeHead = held
}

/** Puts objects there, as whoever has the keys. */
export async function putObjects(
  server: S3Server,
  bucket: string,
  objects: Record<string, Buffer | string>,
): Promise<void> {
  const outside = createOutside({ isAllowed: () => true })
  const s3 = createS3({ outside, clock: systemClock }, { endpoint: server.endpoint, bucket }, S3_KEYS)
  for (const [key, content] of Object.entries(objects)) {
    const body = Buffer.from(content)
    const headers = { 'content-length': String(body.length) }
    const answer = await s3.send({ method: 'PUT', key, headers, body, signal: AbortSignal.timeout(300_000) })
    await buffer(answer)
  }
}
