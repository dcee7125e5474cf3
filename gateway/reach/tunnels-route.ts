import { WebSocketServer } from 'ws'
import type { Clock } from '../../node/clock.ts'
import type { Channel } from '../../node/network/index.ts'
import { createRateBudget } from '../../node/rate-budget.ts'
import { ReachError } from '../../node/reach/index.ts'
import { takeSocket } from '../auth/index.ts'
import { principalOf } from '../http/context.ts'
import type { Api } from '../http/feature.ts'
import { takePlace } from '../http/upgrades.ts'
import { visibleJob } from '../jobs/index.ts'
import { carryInTurn } from './carry-in-turn.ts'
import type { KeptConnections } from './kept-connections.ts'
import { assertMayTunnel, MAX_MESSAGE_BYTES, type TunnelComponents } from './tunnel-route.ts'

/**
 * Connections that a key may open over such sockets, and all, in 10 s. Not the rate of requests: a program that keeps none
 * of its connections opens hundreds a second. Providers take 10,000 of a gateway.
 */
const RATE = { own: 3_000, total: 6_000, spanMs: 10_000 }
const TOO_OFTEN = 'Connections are opened too often: wait some seconds, or keep them'

/**
 * `GET …/jobs/{id}/tunnel/ahead`: a WebSocket that carries one TCP connection after the other, so that a new one needs no
 * socket of its own. A text message with a port begins one; then binary messages are its pieces and the text `end` ends a
 * direction, as over `…/tunnel/{port}`. Once both sides have ended theirs, and all that was sent went on to the provider, the
 * text `over` says that the next may begin. Where a connection breaks, or there is none, the text
 * `{"error":{"message":"…"}}` says why, and the socket closes.
 */
export function addTunnelsRoute(
  api: Api,
  components: TunnelComponents & { kept: Pick<KeptConnections, 'tunnelAtOnce'>; clock: Clock },
): void {
  const { node, kept, revocation, shares, clock, logger } = components
  const server = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false })
  const rate = createRateBudget({ clock }, RATE)
  api.get('/plugin-core/jobs/:id/tunnel/ahead', async (c) => {
    const principal = principalOf(c)
    assertMayTunnel(principal)
    const { id } = await visibleJob(c, node.store, c.req.param('id'))
    takePlace(c, shares, principal)
    const over = new AbortController()
    return takeSocket(c, { server, principal, revocation, over }, (client) => {
      const open = async (port: number, signal: AbortSignal): Promise<Channel> => {
        if (rate.take(principal.keyId) !== 'taken') throw new ReachError('TOO_MANY', TOO_OFTEN)
        return await kept.tunnelAtOnce(id, { port, protocol: 'TCP' }, signal)
      }
      carryInTurn(client, open, over.signal).catch((error: unknown) => {
        logger.debug({ jobId: id, error: String(error) }, 'a tunnel broke')
        client.close(1011, 'the connection broke')
      })
    })
  })
}
