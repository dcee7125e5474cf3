import { z } from 'zod'
import type { Clock } from '../../node/clock.ts'
import type { ClientNode } from '../../node/index.ts'
import { success } from '../contract/envelope.ts'
import { healthSchema, peerTrafficSchema, rateLimitsSchema } from '../contract/system.ts'
import type { Api } from '../http/feature.ts'
import { operation } from '../http/operation.ts'
import type { RateLimit } from '../http/rate-limit.ts'

const healthOperation = operation({
  method: 'get',
  path: '/health',
  operationId: 'getHealth',
  tag: 'System',
  summary: 'Whether the gateway answers',
  permission: 'public',
  data: healthSchema,
  example: {
    status: 'ok',
    version: '0.1.0',
    uptime: 3600,
    peerId: '12D3KooWLRPJAA5o6hXTtrMzJLzLQ3n5pCHnQ6cMPdZqxQ7KfHnA',
    peers: 3,
    providers: 2,
  },
})

const limitsOperation = operation({
  method: 'get',
  path: '/system/rate-limits',
  operationId: 'getRateLimits',
  tag: 'System',
  summary: 'My rate limit',
  permission: 'signed-in',
  data: rateLimitsSchema,
  example: { limit: 300, remaining: 299, reset: 1_769_860_860, enforced: true },
})

const peersOperation = operation({
  method: 'get',
  path: '/system/peers',
  operationId: 'getPeers',
  tag: 'System',
  summary: 'Who the gateway is connected with',
  description: 'Bytes to and from each peer that has an open connection. Two looks make a rate.',
  permission: 'admin',
  data: z.array(peerTrafficSchema).describe('One for each peer.'),
  example: [
    {
      peer: '12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo',
      receivedBytes: 48_213,
      sentBytes: 9_120,
    },
  ],
})

/** What the gateway’s own routes work with. */
export interface SystemComponents {
  node: Pick<ClientNode, 'network' | 'directory'>
  rateLimit: RateLimit
  clock: Clock
  /** When the gateway began, on the monotonic clock, in ms. */
  startedMs: number
  /** Of this program. */
  version: string
}

/** The answer of `GET /health`. */
export type Health = z.input<typeof healthSchema>

/** `/health` for everybody, `/system/rate-limits` for whoever is signed in, `/system/peers` for admins. */
export function addSystemRoutes(api: Api, { node, rateLimit, health }: SystemComponents & { health(): Health }): void {
  api.openapi(healthOperation, (c) => c.json(success(health()), 200))

  api.openapi(peersOperation, (c) => c.json(success(node.network.traffic()), 200))

  api.openapi(limitsOperation, async (c) => c.json(success(await rateLimit.current(c)), 200))
}

/** How the gateway is. */
export function healthOf({ node, clock, startedMs, version }: SystemComponents): Health {
  return {
    status: 'ok',
    version,
    uptime: Math.round((clock.monotonicMs() - startedMs) / 1000),
    peerId: node.network.peerId,
    peers: node.network.peers().length,
    providers: node.directory.list().filter((provider) => provider.status === 'online').length,
  }
}
