import { z } from 'zod'
import type { Clock } from '../../node/clock.ts'
import type { ClientNode } from '../../node/index.ts'
import { isoTime } from '../../node/views/time.ts'
import { COST_PERIODS, NONE } from '../contract/costs.ts'
import { success } from '../contract/envelope.ts'
import { keysOf } from '../contract/list-fields.ts'
import { principalOf } from '../http/context.ts'
import type { Api } from '../http/feature.ts'
import { operation } from '../http/operation.ts'
import { ownerFilter } from '../http/principal.ts'
import { costRows, grouping } from './costs.ts'

const sums = {
  jobs: z.number().int().describe('How many.'),
  estimated: z.number().describe('US dollars: at the accepted price for the whole duration.'),
  actual: z.number().describe('US dollars: metered so far.'),
  volumes: z
    .number()
    .describe('US dollars: for keeping volumes while no job had them, by the receipts signed in the period.'),
}

const costsOperation = operation({
  method: 'get',
  path: '/plugin-core/analytics/costs',
  operationId: 'getCosts',
  tag: 'Analytics',
  summary: 'What jobs and volumes cost, by day, provider or label',
  description: `Of jobs created in the period. Jobs without the label, or never placed, are counted under \`${NONE}\`, and by label so is what keeping volumes costs. Jobs that are no longer kept count on.`,
  permission: 'jobs:read',
  request: {
    query: z.strictObject({
      period: keysOf(COST_PERIODS).default('30d').describe('How far back, until now.'),
      groupBy: z
        .string()
        .max(128)
        .regex(/^(?:day|provider|label\..+)$/, 'must be day, provider or label.KEY')
        .default('day')
        .describe('`day` (in UTC), `provider`, or a label as `label.KEY`.'),
    }),
  },
  data: z
    .strictObject({
      from: z.iso.datetime().describe('Where the period begins.'),
      to: z.iso.datetime().describe('Where it ends: now.'),
      groupBy: z.string().describe('As it was asked for.'),
      currency: z.literal('USD').describe('Of all amounts.'),
      rows: z
        .array(
          z.strictObject({
            group: z.string().describe('The day, the provider’s peer id, or the label’s value.'),
            ...sums,
          }),
        )
        .describe('One for each group that has a job.'),
      total: z.strictObject(sums).describe('Of all groups.'),
    })
    .describe('What it cost.'),
  example: {
    from: '2026-01-01T12:00:00.000Z',
    to: '2026-01-31T12:00:00.000Z',
    groupBy: 'label.team',
    currency: 'USD',
    rows: [{ group: 'research', jobs: 12, estimated: 1.2, actual: 0.4, volumes: 0 }],
    total: { jobs: 12, estimated: 1.2, actual: 0.4, volumes: 0 },
  },
})

/**
 * `GET /plugin-core/analytics/costs`: of the asker’s own jobs, or of all of them for an admin; every job of the period
 * is looked at.
 */
export function addAnalyticsRoutes(api: Api, { node, clock }: { node: Pick<ClientNode, 'store'>; clock: Clock }): void {
  api.openapi(costsOperation, async (c) => {
    const { period, groupBy } = c.req.valid('query')
    const toMs = clock.nowMs()
    const range = { owner: ownerFilter(principalOf(c)), fromMs: toMs - COST_PERIODS[period], toMs }
    const { rows, total } = await costRows(node.store, range, grouping(groupBy))
    const times = { from: isoTime(range.fromMs), to: isoTime(toMs) }
    return c.json(success({ ...times, groupBy, currency: 'USD' as const, rows, total }), 200)
  })
}
