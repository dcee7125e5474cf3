import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Context } from 'hono'
import { GatewayError } from '../errors.ts'

/** What becomes of a connection that asked for another protocol, once its request was let in. */
type Takeover = (socket: Duplex, head: Buffer, request: IncomingMessage) => void

/** What such a request brings along; a handler that lets it in fills `takeover`. */
interface Upgrade {
  takeover: Takeover | null
}

/**
 * Requests for another protocol (WebSocket) go through the same application as all others: keys, limits and checks hold
 * for them too. Where a handler took the connection over it is the handler's; whatever else was answered is sent, and
 * ends it.
 *
 * @param isOurs whether a request is for this; others are left to the listener that the server has already
 */
export function serveUpgrades(
  server: Server,
  app: { fetch(request: Request, env: object): Response | Promise<Response> },
  isOurs: (request: { path: string; host: string }) => boolean,
): void {
  const others = server.listeners('upgrade') as ((...args: [IncomingMessage, Duplex, Buffer]) => void)[]
  server.removeAllListeners('upgrade')
  server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
    const host = incoming.headers.host ?? 'localhost'
    const [path = '/'] = (incoming.url ?? '/').split('?')
    if (!isOurs({ path, host })) {
      for (const other of others) other.call(server, incoming, socket, head)
      return
    }
    socket.on('error', () => undefined) // gone before it was served
    const upgrade: Upgrade = { takeover: null }
    ask(app, incoming, host, upgrade).then(
      async (response) => {
        if (socket.destroyed) return
        if (upgrade.takeover === null) await answer(socket, response)
        else upgrade.takeover(socket, head, incoming)
      },
      () => socket.destroy(), // no URL, or no application
    )
  })
}

async function ask(
  app: { fetch(request: Request, env: object): Response | Promise<Response> },
  incoming: IncomingMessage,
  host: string,
  upgrade: Upgrade,
): Promise<Response> {
  const headers = new Headers()
  for (let at = 0; at + 1 < incoming.rawHeaders.length; at += 2) {
    headers.append(incoming.rawHeaders[at] ?? '', incoming.rawHeaders[at + 1] ?? '')
  }
  const request = new Request(new URL(incoming.url ?? '/', `http://${host}`), { headers })
  return await app.fetch(request, { incoming, upgrade })
}

async function answer(socket: Duplex, response: Response): Promise<void> {
  const body = Buffer.from(await response.arrayBuffer())
  const head = [`HTTP/1.1 ${response.status} ${response.statusText}`.trimEnd()]
  for (const [name, value] of response.headers) head.push(`${name}: ${value}`)
  head.push(`Content-Length: ${body.length}`, 'Connection: close', '', '')
  socket.end(Buffer.concat([Buffer.from(head.join('\r\n')), body]))
}

/** Whether the request asks for a WebSocket. */
export function wantsSocket(c: Context): boolean {
  return c.req.header('upgrade')?.toLowerCase() === 'websocket'
}

/** Takes the connection of a request over; what the handler then answers is not sent. @throws {GatewayError} where it is an ordinary request */
export function takeOver(c: Context, takeover: Takeover): Response {
  const { upgrade } = c.env as { upgrade?: Upgrade }
  if (!wantsSocket(c) || upgrade === undefined) {
    throw new GatewayError('VALIDATION_ERROR', 'Open this path as a WebSocket')
  }
  upgrade.takeover = takeover
  return new Response(null)
}
