import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http'
import { type Duplex, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream as WebStream } from 'node:stream/web'
import { TLSSocket } from 'node:tls'
import { onAbort } from '../../node/abort.ts'
import { isAskedAhead } from './asked-ahead.ts'
import type { GatewayContext } from './context.ts'
import { GatewayError } from './errors.ts'
import type { Principal } from './principal.ts'
import type { Shares } from './shares.ts'

/** How long a client may take to close a connection whose answer is out, in ms. */
const LINGER_MS = 2_000

/** What becomes of a connection that asked for another protocol, once its request was let in. */
type Takeover = (socket: Duplex, head: Buffer, request: IncomingMessage) => void

/** What such a request brings along; a handler that lets it in fills `takeover`. */
interface Upgrade {
  takeover: Takeover | null
  /** Aborted when the connection is closed. */
  gone: AbortSignal
}

type App = { fetch(request: Request, env: object): Response | Promise<Response> }

/** Whether a path or a host takes sockets at all. */
type TakesSockets = (request: { path: string; host: string }) => boolean

/**
 * Options of an HTTP server whose requests for another protocol are passed over, as RFC 9110 has it, and answered as plain
 * ones: all but those that ask for a WebSocket where there may be one. Node knows it from 22.21 and 24.9 on; before, what
 * is passed over here reaches {@link serveUpgrades}, which answers it as well, and ends the connection.
 */
export function upgradeOptions(takesSockets: TakesSockets): object {
  return {
    shouldUpgradeCallback: (request: IncomingMessage) => isAskedAhead(request) || isSocket(request, takesSockets),
  }
}

/**
 * WebSockets go through the same application as all other requests: keys, limits and checks hold for them too. Where a
 * handler took the connection over it is the handler's; whatever else was answered is sent, and ends it.
 */
export function serveUpgrades(server: Server, app: App, takesSockets: TakesSockets): void {
  server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => undefined) // gone before it was served
    const gone = new AbortController()
    socket.once('close', () => gone.abort(new Error('The client is gone')))
    const upgrade: Upgrade = { takeover: null, gone: gone.signal }
    const wanted = isSocket(incoming, takesSockets)
    const answered = wanted || HAS_NO_BODY.has(incoming.method ?? '') ? ask(app, incoming, upgrade) : REFUSED()
    Promise.resolve(answered)
      .then(async (response) => {
        if (upgrade.takeover !== null && !socket.destroyed) upgrade.takeover(socket, head, incoming)
        else await answer(socket, incoming, response)
      })
      .catch(() => socket.destroy()) // no URL, no application, or the client is gone
  })
}

/** Methods whose requests are whole without what comes after the head. */
const HAS_NO_BODY = new Set(['GET', 'HEAD', 'OPTIONS'])

const REFUSED = (): Response =>
  Response.json(
    {
      success: false,
      error: { code: 'VALIDATION_ERROR', message: 'Send this request without Upgrade: it takes none' },
    },
    { status: 426, headers: { Upgrade: 'websocket' } },
  )

function isSocket(request: IncomingMessage, takesSockets: TakesSockets): boolean {
  const [path = '/'] = (request.url ?? '/').split('?')
  const isAsked = request.method === 'GET' && request.headers.upgrade?.trim().toLowerCase() === 'websocket'
  return isAsked && takesSockets({ path, host: request.headers.host ?? 'localhost' })
}

async function ask(app: App, incoming: IncomingMessage, upgrade: Upgrade): Promise<Response> {
  const headers = new Headers()
  for (let at = 0; at + 1 < incoming.rawHeaders.length; at += 2) {
    headers.append(incoming.rawHeaders[at] ?? '', incoming.rawHeaders[at + 1] ?? '')
  }
  const { method = 'GET', url = '/' } = incoming
  const scheme = incoming.socket instanceof TLSSocket ? 'https' : 'http'
  const request = new Request(new URL(url, `${scheme}://${incoming.headers.host ?? 'localhost'}`), {
    method,
    headers,
    signal: upgrade.gone,
  })
  return await app.fetch(request, { incoming, upgrade })
}

/** Sends an answer whose end is the connection's; what else the client sent is passed over. */
async function answer(socket: Duplex, { method }: IncomingMessage, response: Response): Promise<void> {
  const head = [`HTTP/1.1 ${response.status} ${STATUS_CODES[response.status] ?? ''}`]
  for (const [name, value] of response.headers) head.push(`${name}: ${value}`)
  head.push('Connection: close', '', '')
  socket.write(head.join('\r\n'), 'latin1')
  socket.resume()
  if (response.body === null || method === 'HEAD') {
    await response.body?.cancel()
    socket.end()
  } else {
    await pipeline(Readable.fromWeb(response.body as WebStream), socket)
  }
  const late = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('close', () => clearTimeout(late))
}

/** Whether the request asks for a WebSocket. */
export function wantsSocket(c: GatewayContext): boolean {
  return c.req.header('upgrade')?.toLowerCase() === 'websocket'
}

/**
 * Takes a place for a socket, given back when its connection closes. To be called before anything is opened for it.
 * @throws {GatewayError} VALIDATION_ERROR where it is an ordinary request; RATE_LIMIT_EXCEEDED
 */
export function takePlace(c: GatewayContext, shares: Shares, principal: Pick<Principal, 'keyId' | 'owner'>): void {
  const { gone } = upgradeOf(c)
  onAbort(gone, shares.take(c, principal))
}

/** Calls back when the connection of such a request is closed. @throws {GatewayError} where it is an ordinary request */
export function whenGone(c: GatewayContext, callback: () => void): void {
  onAbort(upgradeOf(c).gone, callback)
}

/** Takes the connection of a request over; what the handler then answers is not sent. @throws {GatewayError} where it is an ordinary request */
export function takeOver(c: GatewayContext, takeover: Takeover): Response {
  upgradeOf(c).takeover = takeover
  return new Response(null)
}

function upgradeOf(c: GatewayContext): Upgrade {
  const { upgrade } = c.env as { upgrade?: Upgrade }
  if (wantsSocket(c) && upgrade !== undefined) return upgrade
  throw new GatewayError('VALIDATION_ERROR', 'Open this path as a WebSocket')
}
