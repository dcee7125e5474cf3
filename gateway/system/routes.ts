import type { OpenAPIHono } from '@hono/zod-openapi'
import { z } from 'zod'
import type { GatewayEnv } from '../context.ts'
import { success } from '../envelope.ts'
import { operation } from '../operation.ts'
import type { GatewayParts } from '../parts.ts'

const healthSchema = z
  .strictObject({
    status: z.literal('ok'),
    version: z.string(),
    uptime: z.number().describe('Seconds.'),
    peerId: z.string(),
    peers: z.number().int(),
    providers: z.number().int().describe('Online.'),
  })
  .meta({ id: 'Health' })

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
  data: z.strictObject({
    limit: z.number().int().describe('Requests a minute.'),
    remaining: z.number().int(),
    reset: z.number().int().describe('Epoch seconds.'),
    enforced: z.boolean(),
  }),
  example: { limit: 300, remaining: 299, reset: 1_769_860_860, enforced: true },
})

export const peerTrafficSchema = z
  .strictObject({
    peer: z.string().describe('Peer id.'),
    receivedBytes: z.number().int().describe('Since it connected, on the wire.'),
    sentBytes: z.number().int().describe('Likewise.'),
  })
  .meta({ id: 'PeerTraffic' })

const peersOperation = operation({
  method: 'get',
  path: '/system/peers',
  operationId: 'getPeers',
  tag: 'System',
  summary: 'Who the gateway is connected with',
  description: 'Bytes to and from each peer that has an open connection. Two looks make a rate.',
  permission: 'admin',
  data: z.array(peerTrafficSchema),
  example: [
    {
      peer: '12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo',
      receivedBytes: 48_213,
      sentBytes: 9_120,
    },
  ],
})

export function addSystemRoutes(api: OpenAPIHono<GatewayEnv>, parts: GatewayParts): void {
  api.openapi(healthOperation, (c) => c.json(success(healthOf(parts)), 200))

  api.openapi(peersOperation, (c) => c.json(success(parts.node.network.traffic()), 200))

  api.openapi(limitsOperation, async (c) => c.json(success(await parts.rateLimit.current(c)), 200))
}

/** How the gateway is. */
export function healthOf(parts: GatewayParts): z.input<typeof healthSchema> {
  const { node, clock, startedMs, version } = parts
  return {
    status: 'ok',
    version,
    uptime: Math.round((clock.monotonicMs() - startedMs) / 1000),
    peerId: node.network.peerId,
    peers: node.network.peers().length,
    providers: node.directory.list().filter((provider) => provider.status === 'online').length,
  }
}
