import type { OpenAPIHono } from '@hono/zod-openapi'
import { z } from 'zod'
import { ownerFilter } from '../auth/principal.ts'
import { type GatewayEnv, principalOf } from '../context.ts'
import { success } from '../envelope.ts'
import { operation } from '../operation.ts'
import type { GatewayParts } from '../parts.ts'
import { isoTime } from '../time.ts'
import { costRows, grouping, NONE } from './costs.ts'

const DAY_MS = 86_400_000
const PERIODS = { '24h': DAY_MS, '7d': 7 * DAY_MS, '30d': 30 * DAY_MS, '90d': 90 * DAY_MS } as const

const sums = {
  jobs: z.number().int(),
  estimated: z.number().describe('US dollars: at the accepted price for the whole duration.'),
  actual: z.number().describe('US dollars: metered so far.'),
}

const costsOperation = operation({
  method: 'get',
  path: '/plugin-core/analytics/costs',
  operationId: 'getCosts',
  tag: 'Analytics',
  summary: 'What jobs cost, by day, provider or label',
  description: `Of jobs created in the period. Jobs without the label, or never placed, are counted under \`${NONE}\`.`,
  permission: 'jobs:read',
  request: {
    query: z.strictObject({
      period: z.enum(['24h', '7d', '30d', '90d']).default('30d'),
      groupBy: z
        .string()
        .max(128)
        .regex(/^(?:day|provider|label\..+)$/, 'must be day, provider or label.KEY')
        .default('day'),
    }),
  },
  data: z.strictObject({
    from: z.iso.datetime(),
    to: z.iso.datetime(),
    groupBy: z.string(),
    currency: z.literal('USD'),
    rows: z.array(z.strictObject({ group: z.string(), ...sums })),
    total: z.strictObject(sums),
  }),
  example: {
    from: '2026-01-01T12:00:00.000Z',
    to: '2026-01-31T12:00:00.000Z',
    groupBy: 'label.team',
    currency: 'USD',
    rows: [{ group: 'research', jobs: 12, estimated: 1.2, actual: 0.4 }],
    total: { jobs: 12, estimated: 1.2, actual: 0.4 },
  },
})

export function addAnalyticsRoutes(api: OpenAPIHono<GatewayEnv>, { node, clock }: GatewayParts): void {
  api.openapi(costsOperation, async (c) => {
    const { period, groupBy } = c.req.valid('query')
    const toMs = clock.nowMs()
    const range = { owner: ownerFilter(principalOf(c)), fromMs: toMs - PERIODS[period], toMs }
    const { rows, total } = await costRows(node.store, range, grouping(groupBy))
    const times = { from: isoTime(range.fromMs), to: isoTime(toMs) }
    return c.json(success({ ...times, groupBy, currency: 'USD' as const, rows, total }), 200)
  })
}
