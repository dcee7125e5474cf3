import { z } from 'zod'
import type { Clock } from '../../node/clock.ts'
import { isoTime } from '../../node/views/time.ts'
import { page, success } from '../contract/envelope.ts'
import { listField, pagingFields, timeField } from '../contract/list-fields.ts'
import { permissionsFor, WEBHOOK_EVENTS } from '../contract/webhook-events.ts'
import { exampleData } from '../contract/webhook-payload.ts'
import {
  DELIVERY_DETAILS_EXAMPLE,
  DELIVERY_EXAMPLE,
  deliveryDetailsSchema,
  deliverySchema,
} from '../contract/webhooks.ts'
import { type GatewayContext, principalOf } from '../http/context.ts'
import { GatewayError } from '../http/errors.ts'
import type { Api } from '../http/feature.ts'
import { listOperation, operation } from '../http/operation.ts'
import { pageOf } from '../http/paging.ts'
import { assertPermission, seesAll } from '../http/principal.ts'
import { newId } from '../records/ids.ts'
import type { Dispatcher } from './dispatcher.ts'
import { eventBody } from './enqueue.ts'
import { visibleWebhook, webhookParams } from './routes.ts'
import { deliveryDetails, deliveryView } from './view.ts'
import type { DeliveryRecord, WebhookRecord } from './webhook-records.ts'
import type { WebhookStore } from './webhook-store.ts'

const BASE = '/plugin-core/webhooks/{id}'
const tag = 'Webhooks'

const testWebhook = operation({
  method: 'post',
  path: `${BASE}/test`,
  operationId: 'testWebhook',
  tag,
  summary: 'Send an example event now',
  permission: 'webhooks:write',
  request: {
    params: webhookParams,
    body: {
      required: false,
      description: 'Which event; without a body the first that it is told of.',
      content: {
        'application/json': {
          schema: z.strictObject({
            eventType: z.enum(WEBHOOK_EVENTS).optional().describe('Of what; default: the first that it is told of.'),
          }),
          example: { eventType: 'job.completed' },
        },
      },
    },
  },
  data: z
    .strictObject({
      delivered: z.boolean().describe('Whether it was answered 2xx.'),
      statusCode: z.number().int().nullable().describe('HTTP status of the answer; null where there was none.'),
      responseTime: z.number().describe('Milliseconds until the answer, or until it was given up.'),
      timestamp: z.iso.datetime().describe('When it was sent.'),
      error: z.string().nullable().describe('Why it did not arrive; null where it did.'),
    })
    .describe('How it went.'),
  example: { delivered: true, statusCode: 200, responseTime: 135, timestamp: '2026-01-31T12:00:00.000Z', error: null },
  errors: ['WEBHOOK_NOT_FOUND'],
})

const listDeliveries = listOperation({
  method: 'get',
  path: `${BASE}/history`,
  operationId: 'listDeliveries',
  tag,
  summary: 'List deliveries, newest first',
  permission: 'webhooks:read',
  request: {
    params: webhookParams,
    query: z.strictObject({
      status: listField(['delivered', 'failed', 'retrying']),
      from: timeField.optional().describe('Made at or after.'),
      to: timeField.optional().describe('Made at or before.'),
      ...pagingFields,
    }),
  },
  data: deliverySchema,
  example: DELIVERY_EXAMPLE,
  errors: ['WEBHOOK_NOT_FOUND'],
})

const deliveryParams = z.strictObject({
  ...webhookParams.shape,
  deliveryId: z
    .string()
    .max(64)
    .describe('Which delivery.')
    .meta({ examples: [DELIVERY_EXAMPLE.id] }),
})

const getDelivery = operation({
  method: 'get',
  path: `${BASE}/history/{deliveryId}`,
  operationId: 'getDelivery',
  tag,
  summary: 'Get a delivery with what is sent',
  description:
    'It takes what it takes to read of the event itself: `jobs:read` or `providers:read`, and an admin where the webhook is told of every owner’s jobs.',
  permission: 'webhooks:read',
  request: { params: deliveryParams },
  data: deliveryDetailsSchema,
  example: DELIVERY_DETAILS_EXAMPLE,
  errors: ['WEBHOOK_NOT_FOUND', 'DELIVERY_NOT_FOUND'],
})

const retryDelivery = operation({
  method: 'post',
  path: `${BASE}/history/{deliveryId}/retry`,
  operationId: 'retryDelivery',
  tag,
  summary: 'Send a delivery again',
  permission: 'webhooks:write',
  request: { params: deliveryParams },
  data: z
    .strictObject({
      id: z.string().describe('Of the delivery.'),
      status: z.literal('retrying').describe('It is sent as soon as those before it are.'),
      attempts: z.number().int().describe('How often it was tried before.'),
      timestamp: z.iso.datetime().describe('When it was asked for.'),
    })
    .describe('The delivery.'),
  example: { id: DELIVERY_EXAMPLE.id, status: 'retrying', attempts: 2, timestamp: '2026-01-31T12:00:00.000Z' },
  errors: ['WEBHOOK_NOT_FOUND', 'DELIVERY_NOT_FOUND'],
})

/** Deliveries of a webhook: an example sent now, those of before, and one of them sent once more. */
export function addDeliveryRoutes(
  api: Api,
  { webhooks, dispatcher, clock }: { webhooks: WebhookStore; dispatcher: Dispatcher; clock: Clock },
): void {
  async function known(c: GatewayContext, params: z.output<typeof deliveryParams>) {
    const webhook = await visibleWebhook(c, webhooks, params.id)
    const delivery = await webhooks.delivery(webhook.id, params.deliveryId)
    if (delivery !== undefined) return { webhook, delivery }
    throw new GatewayError('DELIVERY_NOT_FOUND', `There is no delivery ${params.deliveryId}`)
  }

  api.openapi(testWebhook, async (c) => {
    const webhook = await visibleWebhook(c, webhooks, c.req.valid('param').id)
    const type = c.req.valid('json').eventType ?? webhook.events[0] ?? 'system.alert'
    const nowMs = clock.nowMs()
    const body = eventBody(newId('evt', nowMs), type, nowMs, exampleData(type))
    const { delivered, statusCode, durationMs, error } = await dispatcher.attempt(webhook, body, {
      event: type,
      delivery: newId('delivery', nowMs),
    })
    const outcome = { delivered, statusCode, responseTime: durationMs, timestamp: isoTime(nowMs), error }
    return c.json(success(outcome), 200)
  })

  api.openapi(listDeliveries, async (c) => {
    const webhook = await visibleWebhook(c, webhooks, c.req.valid('param').id)
    const { status, from = 0, to = Number.POSITIVE_INFINITY, ...paging } = c.req.valid('query')
    const matching: DeliveryRecord[] = []
    for await (const delivery of webhooks.history(webhook.id)) {
      const { createdAtMs } = delivery
      if (createdAtMs >= from && createdAtMs <= to && (status?.includes(delivery.status) ?? true))
        matching.push(delivery)
    }
    const { items, pagination } = pageOf(matching, paging)
    return c.json(page(items.map(deliveryView), pagination), 200)
  })

  api.openapi(getDelivery, async (c) => {
    const { webhook, delivery } = await known(c, c.req.valid('param'))
    assertMayRead(c, webhook, delivery)
    return c.json(success(deliveryDetails(delivery, webhook)), 200)
  })

  api.openapi(retryDelivery, async (c) => {
    const { webhook, delivery } = await known(c, c.req.valid('param'))
    const nowMs = clock.nowMs()
    await webhooks.keep({ ...delivery, status: 'retrying', tries: 0, nextAttemptMs: nowMs, delayMs: 0 })
    dispatcher.wake(webhook.id)
    const { id, attempts } = delivery
    return c.json(success({ id, status: 'retrying' as const, attempts, timestamp: isoTime(nowMs) }), 200)
  })
}

/** What was sent may tell of more than a key may see that only may see webhooks. @throws {GatewayError} FORBIDDEN */
function assertMayRead(c: GatewayContext, webhook: WebhookRecord, { eventType }: DeliveryRecord): void {
  const principal = principalOf(c)
  for (const permission of permissionsFor([eventType])) assertPermission(principal, permission)
  if (!webhook.everyOwner || seesAll(principal)) return
  throw new GatewayError('FORBIDDEN', 'This webhook is told of every owner’s jobs: ask with the key of an admin')
}
