/** A server of files on loopback that does as it is told, and writes down what it was asked. */

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'

export interface FileServer {
  /** With its port. */
  host: string
  /** What was asked, in order. */
  asked: { path: string; headers: IncomingHttpHeaders }[]
  url(path: string): string
  /** Does so from now on with whoever asks for the path. */
  on(path: string, answer: RequestListener): void
  close(): Promise<void>
}

/** @param tls with its key and certificate. @default in the clear */
export async function startFileServer(tls?: { key: string; cert: string }): Promise<FileServer> {
  const answers = new Map<string, RequestListener>()
  const asked: FileServer['asked'] = []
  const listener: RequestListener = (request, response) => {
    const path = request.url ?? ''
    asked.push({ path, headers: request.headers })
    const answer = answers.get(path.replace(/\?.*$/, ''))
    if (answer !== undefined) return void answer(request, response)
    response.writeHead(404).end()
  }
  const server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    host,
    asked,
    url: (path) => `${tls === undefined ? 'http' : 'https'}://${host}${path}`,
    on: (path, answer) => void answers.set(path, answer),
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

/** Gives these bytes, or the rest of them. @param cutAfter how many of an answer come before the connection breaks */
export function giving(
  bytes: Buffer,
  init: { etag?: string; ranges?: boolean; cutAfter?: number } = {},
): RequestListener {
  const { etag, ranges = true, cutAfter = Number.POSITIVE_INFINITY } = init
  return (request, response) => {
    const [, first = ''] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? []
    const ifRange = request.headers['if-range']
    const isPart = ranges && first !== '' && (ifRange === undefined || ifRange === etag)
    const start = isPart ? Number(first) : 0
    if (etag !== undefined) response.setHeader('etag', etag)
    response.setHeader('content-length', bytes.length - start)
    if (isPart) response.setHeader('content-range', `bytes ${start}-${bytes.length - 1}/${bytes.length}`)
    response.writeHead(isPart ? 206 : 200)
    const rest = bytes.subarray(start)
    if (rest.length <= cutAfter) return void response.end(rest)
    response.write(rest.subarray(0, cutAfter), () => setTimeout(() => response.destroy(), 20))
  }
}

export function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
