import type { OpenAPIHono } from '@hono/zod-openapi'
import { z } from 'zod'
import { isTerminal } from '../../protocol/lifecycle.ts'
import { type GatewayContext, type GatewayEnv, principalOf, wantsEvents } from '../context.ts'
import { success } from '../envelope.ts'
import { GatewayError } from '../errors.ts'
import { operation } from '../operation.ts'
import { timeField } from '../paging.ts'
import type { GatewayParts } from '../parts.ts'
import { lastEventId, streamFields } from '../sse/last-event-id.ts'
import type { EventSourceOf } from '../sse/streams.ts'
import { visibleJob } from './access.ts'
import { followEvents } from './events.ts'
import { firstLine, followLogs, MAX_JSON_LINES, readLogs } from './logs.ts'
import { followMetrics, metricsView, PERIODS, RESOLUTIONS } from './metrics.ts'
import { jobParams } from './params.ts'
import { readReceipt } from './receipt.ts'
import { bidSchema, JOB_EXAMPLE, jobEventSchema, logLineSchema, metricsSchema, receiptSchema } from './schemas.ts'
import { bidView, eventView, logView } from './view.ts'

const TIME = JOB_EXAMPLE.createdAt
const POINT = { timestamp: TIME, value: 120 }

const logsOperation = operation({
  method: 'get',
  path: '/plugin-core/jobs/{id}/logs',
  operationId: 'getJobLogs',
  tag: 'Jobs',
  summary: 'Read or follow a job’s output',
  description: `As JSON the newest ${MAX_JSON_LINES} lines of the range. With \`Accept: text/event-stream\` or \`follow=true\` a stream: all of the range, then what comes, an \`end\` event when the job has ended.`,
  permission: 'jobs:read',
  request: {
    params: jobParams,
    query: z.strictObject({
      tail: z.coerce.number<string>().int().min(0).max(1_000_000_000).optional().describe('The newest lines only.'),
      since: timeField.optional().describe('Lines at or after this time.'),
      ...streamFields,
    }),
  },
  data: z.strictObject({ logs: z.array(logLineSchema) }),
  example: { logs: [{ timestamp: TIME, line: 'hello', stream: 'stdout' }] },
  errors: ['JOB_NOT_FOUND'],
  events: 'Each message is one line, `{ timestamp, line, stream }`; its id is the number of the line.',
})

const eventsOperation = operation({
  method: 'get',
  path: '/plugin-core/jobs/{id}/events',
  operationId: 'getJobEvents',
  tag: 'Jobs',
  summary: 'Read or follow a job’s events',
  permission: 'jobs:read',
  request: {
    params: jobParams,
    query: z.strictObject({
      after: z.coerce.number<string>().int().min(0).default(0).describe('Events with a higher seq only.'),
      ...streamFields,
    }),
  },
  data: z.strictObject({ events: z.array(jobEventSchema) }),
  example: { events: [{ seq: 1, type: 'created', timestamp: TIME }] },
  errors: ['JOB_NOT_FOUND'],
  events: 'Each message is one event; its id is the event’s seq.',
})

const metricsOperation = operation({
  method: 'get',
  path: '/plugin-core/jobs/{id}/metrics',
  operationId: 'getJobMetrics',
  tag: 'Jobs',
  summary: 'Read or follow a job’s resource use',
  permission: 'jobs:read',
  request: {
    params: jobParams,
    query: z.strictObject({
      period: z.enum(['1h', '6h', '24h', '7d']).default('1h').describe('How far back; of an ended job, from its end.'),
      resolution: z.enum(['5s', '1m', '5m', '1h']).default('1m'),
      ...streamFields,
    }),
  },
  data: metricsSchema,
  example: { cpu: [POINT], memory: [POINT], network: { rx: [POINT], tx: [POINT] }, storage: [POINT] },
  errors: ['JOB_NOT_FOUND'],
  events: 'Each message is one sample, `{ timestamp, cpu, memory, network: { rx, tx }, storage }`.',
})

const bidsOperation = operation({
  method: 'get',
  path: '/plugin-core/jobs/{id}/bids',
  operationId: 'getJobBids',
  tag: 'Jobs',
  summary: 'Every bid and decline, with the reason',
  permission: 'jobs:read',
  request: { params: jobParams },
  data: z.strictObject({ bids: z.array(bidSchema) }),
  example: {
    bids: [
      {
        attempt: 1,
        provider: '12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo',
        name: 'attic',
        timestamp: TIME,
        outcome: 'accepted',
        price: 0.02,
        minimumCharge: 0,
        score: 0.9,
        reason: 'the cheapest',
      },
    ],
  },
  errors: ['JOB_NOT_FOUND'],
})

const receiptOperation = operation({
  method: 'get',
  path: '/plugin-core/jobs/{id}/receipt',
  operationId: 'getJobReceipt',
  tag: 'Jobs',
  summary: 'Both sides’ signed statement of use',
  permission: 'jobs:read',
  request: { params: jobParams },
  data: receiptSchema,
  example: {
    jobId: JOB_EXAMPLE.id,
    network: 'main',
    attempt: 1,
    provider: '12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo',
    requester: '12D3KooWLRPJAA5o6hXTtrMzJLzLQ3n5pCHnQ6cMPdZqxQ7KfHnA',
    pricePerHour: 0.02,
    minimumCharge: 0,
    meteredSeconds: 60,
    cost: 0.000333333,
    startedAt: TIME,
    endedAt: '2026-01-31T12:01:00.000Z',
    outcome: 'completed',
    exitCode: 0,
    signed: { provider: 'CgR0ZXN0', requester: 'CgR0ZXN0' },
  },
  errors: ['JOB_NOT_FOUND', 'RESOURCE_NOT_FOUND'],
})

/** What was recorded of a job: output, events, use, bids and the receipt. */
export function addRecordRoutes(api: OpenAPIHono<GatewayEnv>, { node, streams, clock, holds }: GatewayParts): void {
  const { store } = node
  const respond = (c: GatewayContext, source: EventSourceOf) => {
    const principal = principalOf(c)
    return streams.respond(source, () => holds.stands(principal))
  }

  api.openapi(logsOperation, async (c) => {
    const job = await visibleJob(c, store, c.req.valid('param').id)
    const { tail, since: sinceMs } = c.req.valid('query')
    if (!wantsEvents(c))
      return c.json(success({ logs: (await readLogs(store, job, { tail, sinceMs })).map(logView) }), 200)
    const after = lastEventId(c)
    if (isTerminal(job.state.status) && after !== undefined && after > job.logs.lines) return c.body(null, 204)
    const from = await firstLine(store, job, { tail, sinceMs, after })
    return respond(c, (signal) => followLogs(store, job.id, from, signal))
  })

  api.openapi(eventsOperation, async (c) => {
    const job = await visibleJob(c, store, c.req.valid('param').id)
    const { after } = c.req.valid('query')
    if (!wantsEvents(c)) return c.json(success({ events: (await store.events(job.id, after)).map(eventView) }), 200)
    const last = lastEventId(c) ?? after
    if (isTerminal(job.state.status) && last > job.lastEvent) return c.body(null, 204)
    return respond(c, (signal) => followEvents(store, job.id, last, signal))
  })

  api.openapi(metricsOperation, async (c) => {
    const job = await visibleJob(c, store, c.req.valid('param').id)
    const { period, resolution } = c.req.valid('query')
    const endMs = 'endedAtMs' in job.state ? job.state.endedAtMs : clock.nowMs()
    const startMs = endMs - PERIODS[period]
    if (!wantsEvents(c)) {
      const samples = await store.metrics(job.id, startMs, endMs)
      return c.json(success(metricsView(samples, RESOLUTIONS[resolution])), 200)
    }
    const last = lastEventId(c)
    if (isTerminal(job.state.status) && last !== undefined) {
      const rest = await store.metrics(job.id, last, Number.MAX_SAFE_INTEGER)
      if (rest.length === 0) return c.body(null, 204)
    }
    return respond(c, (signal) => followMetrics(store, job.id, last ?? startMs, signal))
  })

  api.openapi(bidsOperation, async (c) => {
    const job = await visibleJob(c, store, c.req.valid('param').id)
    return c.json(success({ bids: (await store.bids(job.id)).map(bidView) }), 200)
  })

  api.openapi(receiptOperation, async (c) => {
    const job = await visibleJob(c, store, c.req.valid('param').id)
    const receipt = await readReceipt(job)
    if (receipt !== null) return c.json(success(receipt), 200)
    throw new GatewayError(
      'RESOURCE_NOT_FOUND',
      'There is no receipt yet: both sides sign it when an attempt has ended',
    )
  })
}
