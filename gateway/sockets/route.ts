import { type createAdaptorServer, upgradeWebSocket } from '@hono/node-server'
import type { OpenAPIHono } from '@hono/zod-openapi'
import { type WebSocket, WebSocketServer } from 'ws'
import type { GatewayEnv } from '../context.ts'
import { GatewayError } from '../errors.ts'
import type { GatewayParts } from '../parts.ts'
import { healthOf } from '../system/routes.ts'
import { CLOSE, openSocketSession, type SocketSession } from './socket-session.ts'

/** The largest message a client may send, in bytes. */
const MAX_MESSAGE_BYTES = 16 * 1024

/** Accepts sockets for a server; `stop` lets them all go. */
export function createSocketServer() {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
  })
  return {
    // Made for each other, but their types disagree under `exactOptionalPropertyTypes`.
    server: server as unknown as NonNullable<Parameters<typeof createAdaptorServer>[0]['websocket']>['server'],
    stop(): void {
      for (const client of server.clients) {
        client.close(CLOSE.goingAway, 'the gateway stops')
        client.terminate()
      }
      server.close()
    },
  }
}

/** `/ws`: `{type:"auth",token}`, then `{type:"subscribe",channel}`. */
export function addSocketRoute(app: OpenAPIHono<GatewayEnv>, parts: GatewayParts): void {
  const { node, providerLog, keys, holds, clock, logger } = parts
  const components = { ...node, providerLog, keys, holds, clock, logger, health: () => healthOf(parts) }
  app.get(
    '/ws',
    async (c, next) => {
      const origin = c.req.header('origin')
      // A page of another site has no cookie here, but it might be told to sign in with a key that it was given.
      if (c.var.principal?.via === 'cookie' && origin !== undefined && origin !== new URL(c.req.url).origin) {
        throw new GatewayError('FORBIDDEN', 'With the session cookie, sockets are opened by this gateway’s pages only')
      }
      if (c.req.header('upgrade')?.toLowerCase() !== 'websocket') {
        throw new GatewayError('VALIDATION_ERROR', 'Open this path as a WebSocket')
      }
      await next()
    },
    upgradeWebSocket((c) => {
      const principal = (c.var as GatewayEnv['Variables']).principal
      let session: SocketSession | undefined
      return {
        onOpen(_event, ws) {
          const raw = ws.raw as WebSocket | undefined
          const socket = {
            send: (text: string) => ws.send(text),
            close: (code: number, reason: string) => ws.close(code, reason),
            buffered: () => raw?.bufferedAmount ?? 0,
          }
          session = openSocketSession(socket, components, principal)
        },
        onMessage: (event) => session?.receive(typeof event.data === 'string' ? event.data : ''),
        onClose: () => session?.end(),
      }
    }),
  )
}
