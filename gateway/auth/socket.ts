import type { WebSocket, WebSocketServer } from 'ws'
import type { GatewayContext } from '../http/context.ts'
import { keepPinging } from '../http/ping.ts'
import type { Principal } from '../http/principal.ts'
import { takeOver, whenGone } from '../http/upgrades.ts'
import { REVOKED_CLOSE, type Revocation, revokedError } from './revocation.ts'

/** What {@link takeSocket} takes. */
export interface SocketInit {
  server: WebSocketServer
  /** On whose behalf it is open. */
  principal: Principal
  revocation: Pick<Revocation, 'watch'>
  /** Aborted when the client is gone, or nobody stands behind it any more. */
  over: AbortController
}

/**
 * Takes the connection of a request over as a WebSocket, which ends with the key or the session behind it.
 * @param serve called once it is open
 */
export function takeSocket(
  c: GatewayContext,
  { server, principal, revocation, over }: SocketInit,
  serve: (client: WebSocket) => void,
): Response {
  whenGone(c, () => over.abort(new Error('The client is gone')))
  return takeOver(c, (socket, head, request) => {
    server.handleUpgrade(request, socket, head, (client) => {
      keepPinging(client)
      const release = revocation.watch(principal, () => {
        client.close(...REVOKED_CLOSE)
        over.abort(revokedError())
      })
      client.once('close', release)
      serve(client)
    })
  })
}
