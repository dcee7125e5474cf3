import { z } from 'zod'
import type { Clock } from '../../node/clock.ts'
import type { JobStore } from '../../node/store/index.ts'
import { jobNow } from '../../node/store/job-now.ts'
import { isTerminal } from '../../protocol/lifecycle.ts'
import { success } from '../contract/envelope.ts'
import {
  attemptCostSchema,
  bidSchema,
  JOB_EXAMPLE,
  jobEventSchema,
  logLineSchema,
  metricsSchema,
  receiptSchema,
} from '../contract/jobs.ts'
import { keysOf, timeField } from '../contract/list-fields.ts'
import { PERIODS, RESOLUTIONS } from '../contract/metric-times.ts'
import { type Answers, lastEventId, streamFields } from '../events/index.ts'
import { type GatewayContext, wantsEvents } from '../http/context.ts'
import { GatewayError } from '../http/errors.ts'
import type { Api } from '../http/feature.ts'
import { MAX_ANSWER_BYTES } from '../http/limits.ts'
import { operation } from '../http/operation.ts'
import { visibleBill, visibleJob } from './access.ts'
import { eventsAfter, followEvents } from './events.ts'
import { firstLine, followLogs, MAX_JSON_LINES, newestLines } from './logs.ts'
import { followMetrics, metricsView } from './metrics.ts'
import { jobParams } from './params.ts'
import { attemptCosts, readReceipt } from './receipt.ts'
import { bidView, eventView, logView } from './view.ts'

const TIME = JOB_EXAMPLE.createdAt
const POINT = { timestamp: TIME, value: 120 }

const logsOperation = operation({
  method: 'get',
  path: '/plugin-core/jobs/{id}/logs',
  operationId: 'getJobLogs',
  tag: 'Jobs',
  summary: 'Read or follow a job’s output',
  description: `As JSON the newest ${MAX_JSON_LINES} lines of the range, ${MAX_ANSWER_BYTES} bytes of them at most. With \`Accept: text/event-stream\` or \`follow=true\` a stream: all of the range, then what comes, an \`end\` event when the job has ended. A \`line\` of more than 64 KiB comes in several, \`partial\` but for the last.`,
  permission: 'jobs:read',
  request: {
    params: jobParams,
    query: z.strictObject({
      tail: z.coerce.number<string>().int().min(0).max(1_000_000_000).optional().describe('The newest lines only.'),
      since: timeField.optional().describe('Lines at or after this time.'),
      ...streamFields,
    }),
  },
  data: z
    .strictObject({
      logs: z.array(logLineSchema).describe('Oldest first.'),
      truncated: z.literal(true).optional().describe('Older lines of the range were left out: a stream has them all.'),
    })
    .describe('What it wrote.'),
  example: { logs: [{ timestamp: TIME, line: 'hello', stream: 'stdout' }] },
  errors: ['JOB_NOT_FOUND'],
  events:
    'Each message is one line, `{ timestamp, line, stream }`, with `partial`, `base64` and `attempt` where there is more to say; its id is the number of the line.',
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
  data: z.strictObject({ events: z.array(jobEventSchema).describe('Oldest first.') }).describe('What happened.'),
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
      period: keysOf(PERIODS)
        .default('1h')
        .describe('How far back from `to`, or of an ended job from its end; `from` outweighs it.'),
      from: timeField.optional().describe('Samples at or after this time.'),
      to: timeField.optional().describe('Samples at or before this time; now unless said. A stream goes on.'),
      resolution: keysOf(RESOLUTIONS)
        .default('1m')
        .describe('How far apart the points are; a stream has every sample.'),
      ...streamFields,
    }),
  },
  data: metricsSchema,
  example: {
    cpu: [POINT],
    memory: [POINT],
    network: { rx: [POINT], tx: [POINT] },
    storage: [POINT],
    gpu: [],
    gpuMemory: [],
  },
  errors: ['JOB_NOT_FOUND'],
  events: 'Each message is one sample, `{ timestamp, cpu, memory, network: { rx, tx }, storage, gpu, gpuMemory }`.',
})

const bidsOperation = operation({
  method: 'get',
  path: '/plugin-core/jobs/{id}/bids',
  operationId: 'getJobBids',
  tag: 'Jobs',
  summary: 'Every bid and decline, with the reason',
  permission: 'jobs:read',
  request: { params: jobParams },
  data: z
    .strictObject({ bids: z.array(bidSchema).describe('Of all its attempts, in the order in which they came.') })
    .describe('What providers said.'),
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
        pricePerGb: 0,
        volumePerGbHour: 0,
        gpu: null,
        platform: 'linux/amd64',
        emulated: false,
        isolation: 'container',
        missingBytes: 67_108_864,
        waitSeconds: 6.4,
        score: 0.9,
        reason: 'the cheapest',
      },
    ],
  },
  errors: ['JOB_NOT_FOUND'],
})

const RECEIPT: z.input<typeof receiptSchema> = {
  jobId: JOB_EXAMPLE.id,
  network: 'main',
  attempt: 2,
  provider: '12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo',
  requester: '12D3KooWLRPJAA5o6hXTtrMzJLzLQ3n5pCHnQ6cMPdZqxQ7KfHnA',
  pricePerHour: 0.02,
  minimumCharge: 0,
  pricePerGb: 0,
  meteredSeconds: 60,
  networkBytes: 0,
  cost: 0.000333333,
  startedAt: TIME,
  endedAt: '2026-01-31T12:01:00.000Z',
  outcome: 'completed',
  exitCode: 0,
  signed: { provider: 'CgR0ZXN0', requester: 'CgR0ZXN0' },
}

const SIGNED_ATTEMPT = {
  ...{ attempt: RECEIPT.attempt, provider: RECEIPT.provider, outcome: 'completed' as const },
  ...{ pricePerHour: RECEIPT.pricePerHour, minimumCharge: 0, pricePerGb: 0 },
  ...{ meteredSeconds: RECEIPT.meteredSeconds, networkBytes: 0, cost: RECEIPT.cost },
}
const LOST_ATTEMPT = {
  ...{ ...SIGNED_ATTEMPT, attempt: 1, outcome: 'lost' as const },
  ...{ meteredSeconds: 18, cost: 0.0001, receipt: null },
}

const receiptOperation = operation({
  method: 'get',
  path: '/plugin-core/jobs/{id}/receipt',
  operationId: 'getJobReceipt',
  tag: 'Jobs',
  summary: 'Both sides’ signed statement of use, of the last attempt',
  description: 'Also of a job that is no longer kept (`--keep-jobs`).',
  permission: 'jobs:read',
  request: { params: jobParams },
  data: receiptSchema,
  example: RECEIPT,
  errors: ['JOB_NOT_FOUND', 'RESOURCE_NOT_FOUND'],
})

const receiptsOperation = operation({
  method: 'get',
  path: '/plugin-core/jobs/{id}/receipts',
  operationId: 'getJobReceipts',
  tag: 'Jobs',
  summary: 'What each attempt costs, and what both sides signed of it',
  description: 'Also of a job that is no longer kept (`--keep-jobs`).',
  permission: 'jobs:read',
  request: { params: jobParams },
  data: z
    .strictObject({ receipts: z.array(attemptCostSchema).describe('One for each attempt, the first one first.') })
    .describe('What it costs.'),
  example: { receipts: [LOST_ATTEMPT, { ...SIGNED_ATTEMPT, receipt: RECEIPT }] },
  errors: ['JOB_NOT_FOUND'],
})

/** Events in one JSON answer; a stream has no such bound. */
const MAX_JSON_EVENTS = 1000

/** What was recorded of a job: output, events, use, bids and the receipt. */
export function addHistoryRoutes(
  api: Api,
  { store, answers, clock }: { store: JobStore; answers: Answers; clock: Clock },
): void {
  const list = (c: GatewayContext, name: string, items: AsyncIterable<unknown>, more: Record<string, unknown> = {}) => {
    const others = Object.entries(more).map(([field, value]) => `${JSON.stringify(field)}:${JSON.stringify(value)},`)
    const before = `{"success":true,"data":{${others.join('')}"${name}":`
    return answers.list(c, items, { before, after: () => '}}' })
  }

  api.openapi(logsOperation, async (c) => {
    const job = await visibleJob(c, store, c.req.valid('param').id)
    const { tail, since: sinceMs } = c.req.valid('query')
    if (!wantsEvents(c)) {
      const { lines, truncated } = await newestLines(store, job, { tail, sinceMs })
      return list(c, 'logs', viewed(lines, logView), truncated ? { truncated } : {})
    }
    const after = lastEventId(c)
    if (isTerminal(job.state.status) && after !== undefined && after > job.logs.lines) return c.body(null, 204)
    const from = await firstLine(store, job, { tail, sinceMs, after })
    return answers.events(c, (signal) => followLogs(store, job.id, from, signal))
  })

  api.openapi(eventsOperation, async (c) => {
    const job = await visibleJob(c, store, c.req.valid('param').id)
    const { after } = c.req.valid('query')
    if (!wantsEvents(c)) {
      return list(c, 'events', viewed(eventsAfter(store, job.id, after, MAX_JSON_EVENTS), eventView))
    }
    const last = lastEventId(c) ?? after
    if (isTerminal(job.state.status) && last > job.lastEvent) return c.body(null, 204)
    return answers.events(c, (signal) => followEvents(store, job.id, last, signal))
  })

  api.openapi(metricsOperation, async (c) => {
    const job = await visibleJob(c, store, c.req.valid('param').id)
    const { period, resolution, from, to } = c.req.valid('query')
    const endMs = to ?? ('endedAtMs' in job.state ? job.state.endedAtMs : jobNow(clock, job))
    const startMs = from ?? endMs - PERIODS[period]
    if (!wantsEvents(c)) {
      const view = await metricsView(store.eachMetric(job.id, startMs, endMs), RESOLUTIONS[resolution])
      return c.json(success(view), 200)
    }
    const last = lastEventId(c)
    if (isTerminal(job.state.status) && last !== undefined) {
      const rest = await store.metrics(job.id, last, Number.MAX_SAFE_INTEGER, 1)
      if (rest.length === 0) return c.body(null, 204)
    }
    return answers.events(c, (signal) => followMetrics(store, job.id, last ?? startMs, signal))
  })

  api.openapi(bidsOperation, async (c) => {
    const job = await visibleJob(c, store, c.req.valid('param').id)
    return list(c, 'bids', viewed(store.eachBid(job.id), bidView))
  })

  api.openapi(receiptOperation, async (c) => {
    const job = await visibleBill(c, store, c.req.valid('param').id)
    const receipt = await readReceipt(job)
    if (receipt !== null) return c.json(success(receipt), 200)
    throw new GatewayError(
      'RESOURCE_NOT_FOUND',
      'There is no receipt yet: both sides sign it when an attempt has ended',
    )
  })

  api.openapi(receiptsOperation, async (c) => {
    const job = await visibleBill(c, store, c.req.valid('param').id)
    return c.json(success({ receipts: await attemptCosts(job) }), 200)
  })
}

async function* viewed<T>(items: AsyncIterable<T>, view: (item: T) => unknown): AsyncGenerator<unknown> {
  for await (const item of items) yield view(item)
}
