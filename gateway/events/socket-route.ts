import { type WebSocket, WebSocketServer } from 'ws'
import type { KeyGuard, Revocation } from '../auth/index.ts'
import { remoteAddress } from '../http/context.ts'
import { GatewayError } from '../http/errors.ts'
import type { Api } from '../http/feature.ts'
import { keepPinging } from '../http/ping.ts'
import type { Shares } from '../http/shares.ts'
import { takeOver, takePlace } from '../http/upgrades.ts'
import { CLOSE, openSocketSession, type SessionComponents } from './socket-session.ts'

/** The largest message a client may send, in bytes. */
const MAX_MESSAGE_BYTES = 16 * 1024

/** Accepts sockets; `stop` lets them all go. */
export function createSocketServer() {
  const server = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES })
  return {
    server,
    stop(): void {
      for (const client of server.clients) {
        client.close(CLOSE.goingAway, 'the gateway stops')
        client.terminate()
      }
    },
  }
}

/** What {@link addSocketRoute} works with. */
export interface SocketComponents extends Omit<SessionComponents, 'signIn'> {
  sockets: ReturnType<typeof createSocketServer>
  keyGuard: KeyGuard
  revocation: Revocation
  shares: Shares
}

/** `/ws`: `{type:"auth",token}`, then `{type:"subscribe",channel}`. */
export function addSocketRoute(app: Api, components: SocketComponents): void {
  const { sockets, keyGuard, shares, ...forSession } = components
  app.get('/ws', (c) => {
    const origin = c.req.header('origin')
    const { principal } = c.var
    // A page of another site has no cookie here, but it might be told to sign in with a key that it was given.
    if (principal?.via === 'cookie' && origin !== undefined && origin !== new URL(c.req.url).origin) {
      throw new GatewayError('FORBIDDEN', 'With the session cookie, sockets are opened by this gateway’s pages only')
    }
    const address = remoteAddress(c)
    // Who has yet to sign in has a connection, and ten seconds for it.
    if (principal !== null) takePlace(c, shares, principal)
    const signIn = async (token: string) => {
      const key = await keyGuard.check(address, token)
      if (key !== null) takePlace(c, shares, { keyId: key.id, owner: key.owner })
      return key
    }
    return takeOver(c, (socket, head, request) => {
      sockets.server.handleUpgrade(request, socket, head, (client: WebSocket) => {
        keepPinging(client)
        const end = {
          send: (text: string) => client.send(text),
          close: (code: number, reason: string) => client.close(code, reason),
          buffered: () => client.bufferedAmount,
        }
        const session = openSocketSession(end, { ...forSession, signIn }, principal)
        client.on('error', () => undefined) // the close tells
        client.on('message', (data, isBinary) => session.receive(isBinary ? '' : String(data)))
        client.once('close', session.end)
      })
    })
  })
}
