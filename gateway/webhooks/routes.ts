import { z } from 'zod'
import type { Clock } from '../../node/clock.ts'
import type { SecretBox } from '../../node/store/secret-box.ts'
import { behind } from '../auth/index.ts'
import { messageSchema, page, success } from '../contract/envelope.ts'
import { pagingFields } from '../contract/list-fields.ts'
import { permissionsFor } from '../contract/webhook-events.ts'
import { newWebhookSchema, WEBHOOK_EXAMPLE, webhookChangesSchema, webhookSchema } from '../contract/webhooks.ts'
import { type GatewayContext, principalOf } from '../http/context.ts'
import { GatewayError } from '../http/errors.ts'
import type { Api } from '../http/feature.ts'
import { listOperation, operation } from '../http/operation.ts'
import { assertPermission, isAdmin } from '../http/principal.ts'
import { newId } from '../records/ids.ts'
import { type Resolve, resolvePublic } from './address-check.ts'
import type { Dispatcher } from './dispatcher.ts'
import { fingerprintOf } from './signature.ts'
import { deliveryView, webhookView } from './view.ts'
import type { WebhookRecord } from './webhook-records.ts'
import type { WebhookStore } from './webhook-store.ts'

/** Deliveries shown with a webhook. */
const SHOWN_DELIVERIES = 10
const BASE = '/plugin-core/webhooks'
const tag = 'Webhooks'
/** The path parameter of everything about one webhook. */
export const webhookParams = z.strictObject({
  id: z
    .string()
    .max(64)
    .describe('Which webhook.')
    .meta({ examples: [WEBHOOK_EXAMPLE.id] }),
})

const listWebhooks = listOperation({
  method: 'get',
  path: BASE,
  operationId: 'listWebhooks',
  tag,
  summary: 'List webhooks',
  permission: 'webhooks:read',
  request: { query: z.strictObject(pagingFields) },
  data: webhookSchema,
  example: WEBHOOK_EXAMPLE,
})
const createWebhook = operation({
  method: 'post',
  path: BASE,
  operationId: 'createWebhook',
  tag,
  summary: 'Be told of events',
  description:
    'Deliveries bear `X-Cortex-Signature: t=EPOCH,v1=HEX`, HEX being the HMAC-SHA256 of `EPOCH.BODY` under the secret. What is not answered 2xx within ten seconds is tried again after 30 s, 2 min, 10 min, 30 min and 1 h, in order.',
  permission: 'webhooks:write',
  request: {
    body: {
      required: true,
      description: 'Where events are to be sent, and which.',
      content: {
        'application/json': {
          schema: newWebhookSchema,
          example: { url: WEBHOOK_EXAMPLE.url, events: ['job.completed'], secret: 'a-secret-of-yours' },
        },
      },
    },
  },
  data: webhookSchema,
  status: 201,
  example: WEBHOOK_EXAMPLE,
  errors: ['DUPLICATE_WEBHOOK', 'LIMIT_REACHED'],
})
const getWebhook = operation({
  method: 'get',
  path: `${BASE}/{id}`,
  operationId: 'getWebhook',
  tag,
  summary: 'Get a webhook with its last deliveries',
  permission: 'webhooks:read',
  request: { params: webhookParams },
  data: webhookSchema,
  example: WEBHOOK_EXAMPLE,
  errors: ['WEBHOOK_NOT_FOUND'],
})
const updateWebhook = operation({
  method: 'put',
  path: `${BASE}/{id}`,
  operationId: 'updateWebhook',
  tag,
  summary: 'Change a webhook',
  permission: 'webhooks:write',
  request: {
    params: webhookParams,
    body: {
      required: true,
      description: 'What is to be changed.',
      content: { 'application/json': { schema: webhookChangesSchema, example: { enabled: false } } },
    },
  },
  data: webhookSchema,
  example: WEBHOOK_EXAMPLE,
  errors: ['WEBHOOK_NOT_FOUND', 'DUPLICATE_WEBHOOK'],
})
const deleteWebhook = operation({
  method: 'delete',
  path: `${BASE}/{id}`,
  operationId: 'deleteWebhook',
  tag,
  summary: 'Delete a webhook with what waits for it',
  permission: 'webhooks:write',
  request: { params: webhookParams },
  data: messageSchema,
  example: { message: 'Webhook successfully deleted' },
  errors: ['WEBHOOK_NOT_FOUND'],
})

/** The webhook, where whoever asks may see it. @throws {GatewayError} WEBHOOK_NOT_FOUND */
export async function visibleWebhook(
  c: GatewayContext,
  webhooks: Pick<WebhookStore, 'visible'>,
  id: string,
): Promise<WebhookRecord> {
  const webhook = await webhooks.visible(principalOf(c), id)
  if (webhook !== undefined) return webhook
  throw new GatewayError('WEBHOOK_NOT_FOUND', `There is no webhook ${id}`)
}

interface WebhookComponents {
  webhooks: WebhookStore
  dispatcher: Pick<Dispatcher, 'wake'>
  secretBox: SecretBox
  clock: Clock
  resolve: Resolve
  allowPrivate: boolean
}

/** Webhooks; one that leads inward, or nowhere, is refused where private addresses are not allowed. */
export function addWebhookRoutes(api: Api, components: WebhookComponents): void {
  const { webhooks, dispatcher, secretBox, clock, resolve, allowPrivate } = components

  /** @throws {GatewayError} VALIDATION_ERROR where the URL leads inward, or nowhere */
  async function assertPublic(url: string): Promise<void> {
    if (allowPrivate) return
    try {
      await resolvePublic(new URL(url).hostname, resolve)
    } catch (cause) {
      const message = `must lead to a public address: ${cause instanceof Error ? cause.message : 'it does not resolve'}`
      throw new GatewayError('VALIDATION_ERROR', `url ${message}`, {
        details: { fields: [{ path: 'url', message }], in: 'body' },
        cause,
      })
    }
  }

  /** @throws {GatewayError} DUPLICATE_WEBHOOK */
  async function assertUnique(webhook: Pick<WebhookRecord, 'id' | 'owner' | 'url' | 'events'>): Promise<void> {
    for await (const { id, url, events } of webhooks.each(webhook.owner)) {
      if (id === webhook.id || url !== webhook.url || events.join() !== webhook.events.join()) continue
      const message = `${id} has this URL and these events: change that one`
      throw new GatewayError('DUPLICATE_WEBHOOK', message, { details: { id } })
    }
  }

  function sealed(id: string, secret: string | null) {
    return secret === null
      ? { sealedSecret: null, fingerprint: null }
      : { sealedSecret: secretBox.seal(id, secret), fingerprint: fingerprintOf(secret) }
  }

  api.openapi(listWebhooks, async (c) => {
    const { items, pagination } = await webhooks.page(principalOf(c), c.req.valid('query'))
    return c.json(page(items.map(webhookView), pagination), 200)
  })

  api.openapi(createWebhook, async (c) => {
    const principal = principalOf(c)
    const { url, events, enabled, costThreshold, secret = null, name = new URL(url).host } = c.req.valid('json')
    for (const permission of permissionsFor(events)) assertPermission(principal, permission)
    const nowMs = clock.nowMs()
    const id = newId('webhook', nowMs)
    await assertUnique({ id, owner: principal.owner, url, events })
    await assertPublic(url)
    const webhook: WebhookRecord = {
      id,
      owner: principal.owner,
      name,
      url,
      events,
      enabled,
      everyOwner: isAdmin(principal),
      ...behind(principal, principal.owner),
      ...sealed(id, secret),
      costThreshold,
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
      lastTriggeredMs: null,
      stats: { delivered: 0, failed: 0, retried: 0 },
    }
    await webhooks.add(webhook)
    return c.json(success(webhookView(webhook)), 201)
  })

  api.openapi(getWebhook, async (c) => {
    const webhook = await visibleWebhook(c, webhooks, c.req.valid('param').id)
    const deliveries = []
    for await (const delivery of webhooks.history(webhook.id)) {
      deliveries.push(deliveryView(delivery))
      if (deliveries.length === SHOWN_DELIVERIES) break
    }
    return c.json(success({ ...webhookView(webhook), deliveryHistory: deliveries }), 200)
  })

  api.openapi(updateWebhook, async (c) => {
    const before = await visibleWebhook(c, webhooks, c.req.valid('param').id)
    const { secret, ...changes } = c.req.valid('json')
    const given = Object.fromEntries(
      Object.entries(changes).filter(([, value]) => value !== undefined),
    ) as Partial<WebhookRecord>
    const principal = principalOf(c)
    for (const permission of permissionsFor(given.events ?? before.events)) assertPermission(principal, permission)
    await assertUnique({ ...before, ...given })
    if (given.url !== undefined) await assertPublic(given.url)
    const changed = await webhooks.update(before.id, (webhook) => ({
      ...given,
      ...behind(principal, webhook.owner),
      everyOwner: webhook.everyOwner && isAdmin(principal),
      ...(secret === undefined ? {} : sealed(webhook.id, secret)),
      updatedAtMs: clock.nowMs(),
    }))
    if (changed === undefined) throw new GatewayError('WEBHOOK_NOT_FOUND', `There is no webhook ${before.id}`)
    dispatcher.wake(changed.id)
    return c.json(success(webhookView(changed)), 200)
  })

  api.openapi(deleteWebhook, async (c) => {
    const { id } = await visibleWebhook(c, webhooks, c.req.valid('param').id)
    await webhooks.del(id)
    return c.json(success({ message: 'Webhook successfully deleted' }), 200)
  })
}
