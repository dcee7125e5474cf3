import type { z } from 'zod'
import type { Clock } from '../../node/clock.ts'
import type { ClientNode } from '../../node/index.ts'
import { isoTime } from '../../node/views/time.ts'
import { usdNumber } from '../../protocol/money.ts'
import { type CostRow, costQuery, costsSchema, forecastQuery, forecastSchema } from '../contract/cost-answers.ts'
import { COST_PERIODS, NONE } from '../contract/costs.ts'
import { success } from '../contract/envelope.ts'
import { principalOf } from '../http/context.ts'
import type { Api } from '../http/feature.ts'
import { operation } from '../http/operation.ts'
import { ownerFilter } from '../http/principal.ts'
import { costRows, costSums, grouping } from './costs.ts'
import { daysIn } from './days.ts'
import { firstDayRead, forecastOf } from './forecast.ts'

const SUMS: Omit<CostRow, 'group'> = {
  ...{ jobs: 12, spent: 0.36, final: 0.35, volumes: 0.01 },
  ...{ running: 0.05, projected: 0.2, actual: 0.4, estimated: 1.2 },
}

const costsOperation = operation({
  method: 'get',
  path: '/plugin-core/analytics/costs',
  operationId: 'getCosts',
  tag: 'Analytics',
  summary: 'What jobs and volumes cost, by day, provider or label',
  description: `Of jobs created in the time. Jobs without the label, or never placed, are counted under \`${NONE}\`, and by label so is what keeping volumes costs. Jobs that are no longer kept count on.`,
  permission: 'jobs:read',
  request: { query: costQuery },
  data: costsSchema,
  example: {
    from: '2026-01-01T12:00:00.000Z',
    to: '2026-01-31T12:00:00.000Z',
    groupBy: 'label.team',
    timezone: 'UTC',
    currency: 'USD',
    rows: [{ group: 'research', ...SUMS }],
    total: SUMS,
  },
})

const forecastOperation = operation({
  method: 'get',
  path: '/plugin-core/analytics/forecast',
  operationId: 'getCostForecast',
  tag: 'Analytics',
  summary: 'What this month is expected to cost',
  description:
    'By what the last whole days cost, at most seven, each with the jobs created on it and the volumes signed for on it. An expectation, and no bound.',
  permission: 'jobs:read',
  request: { query: forecastQuery },
  data: forecastSchema,
  example: {
    timezone: 'Europe/Berlin',
    currency: 'USD',
    basis: {
      ...{ from: '2026-01-23T23:00:00.000Z', to: '2026-01-30T23:00:00.000Z', days: 7 },
      ...{ spent: 2.8, perDay: 0.4, perDayBefore: 0.35 },
    },
    month: { from: '2025-12-31T23:00:00.000Z', to: '2026-01-31T23:00:00.000Z', spent: 11.2, expected: 11.4 },
  },
})

/**
 * What costs come to, and what a month is expected to: of the asker’s own jobs, or of all of them for an admin. Every
 * job of the time is looked at.
 */
export function addAnalyticsRoutes(api: Api, { node, clock }: { node: Pick<ClientNode, 'store'>; clock: Clock }): void {
  api.openapi(costsOperation, async (c) => {
    const { period, groupBy, timezone, from, to } = c.req.valid('query')
    // Jobs of this millisecond are there already.
    const toMs = to ?? clock.nowMs() + 1
    const range = { owner: ownerFilter(principalOf(c)), fromMs: from ?? toMs - COST_PERIODS[period], toMs }
    const { rows, total } = costRows(await costSums(node.store, range, grouping(groupBy, daysIn(timezone))))
    const times = { from: isoTime(range.fromMs), to: isoTime(toMs) }
    return c.json(success({ ...times, groupBy, timezone, currency: 'USD' as const, rows, total }), 200)
  })

  api.openapi(forecastOperation, async (c) => {
    const { timezone } = c.req.valid('query')
    const days = daysIn(timezone)
    const nowMs = clock.nowMs()
    const fromMs = days.startOf(firstDayRead(days.of(nowMs)))
    const owner = ownerFilter(principalOf(c))
    const range = { owner, fromMs, toMs: nowMs + 1 }
    const whose = owner === undefined ? {} : { owner }
    const earlier = await node.store.listIds({ ...whose, toMs: fromMs - 1, limit: 1 })
    const { sums } = await costSums(node.store, range, grouping('day', days))
    const spent = new Map([...sums].map(([day, { final, running, volumes }]) => [day, final + running + volumes]))
    return c.json(success(forecastView(forecastOf(spent, days, nowMs, earlier.ids.length > 0), timezone)), 200)
  })
}

function forecastView(
  { basis, perDayBefore, month }: ReturnType<typeof forecastOf>,
  timezone: string,
): z.input<typeof forecastSchema> {
  const orNull = (amount: bigint | null): number | null => (amount === null ? null : usdNumber(amount))
  return {
    timezone,
    currency: 'USD',
    basis: {
      from: isoTime(basis.fromMs),
      to: isoTime(basis.toMs),
      days: basis.days,
      spent: usdNumber(basis.spent),
      perDay: orNull(basis.perDay),
      perDayBefore: orNull(perDayBefore),
    },
    month: {
      from: isoTime(month.fromMs),
      to: isoTime(month.toMs),
      spent: usdNumber(month.spent),
      expected: orNull(month.expected),
    },
  }
}
