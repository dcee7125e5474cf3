import { z } from 'zod'
import { lineField } from '../../protocol/job-fields.ts'
import { WEBHOOK_EVENTS } from './webhook-events.ts'

const time = z.iso.datetime()
const MAX_URL_LENGTH = 2048

/** One event on its way to one webhook. `responseCode`, `responseTime` and `error` are of the last attempt. */
export const deliverySchema = z
  .strictObject({
    id: z.string().describe('Its id.'),
    eventId: z.string().describe('Of the event: the same in every delivery of it.'),
    eventType: z.enum(WEBHOOK_EVENTS).describe('Name of the event.'),
    timestamp: time.describe('When it was made.'),
    status: z.enum(['delivered', 'failed', 'retrying']).describe('How it went so far.'),
    responseCode: z.number().int().nullable().describe('HTTP status of the last answer; null where there was none.'),
    responseTime: z.number().nullable().describe('Milliseconds until the last answer; null where there was none.'),
    attempts: z.number().int().describe('How often it was tried.'),
    nextAttempt: time.nullable().describe('Null once it is delivered or has failed.'),
    error: z.string().nullable().describe('Why it did not arrive; null where it did.'),
  })
  .meta({ id: 'Delivery', description: 'One event on its way to one webhook.' })

/** How much of a delivery's body is shown, in characters. */
export const MAX_SHOWN_BODY = 65_536

/** A delivery with what is sent. */
export const deliveryDetailsSchema = z
  .strictObject({
    ...deliverySchema.shape,
    request: z
      .strictObject({
        headers: z
          .record(z.string(), z.string())
          .describe('As an attempt made now would have them; of a signature only that there is one.'),
        body: z.string().describe(`What is sent: the first ${MAX_SHOWN_BODY} characters of it.`),
        bodyBytes: z.int().describe('How long all of it is.'),
      })
      .describe('What is sent.'),
  })
  .meta({ id: 'DeliveryDetails', description: 'A delivery with what is sent.' })

/** A webhook and how its deliveries go. `lastTriggered` is null until there was one. */
export const webhookSchema = z
  .strictObject({
    id: z.string().describe('Its id.'),
    name: z.string().describe('What people call it.'),
    url: z.string().describe('Where events are sent.'),
    events: z.array(z.enum(WEBHOOK_EVENTS)).describe('Which it is told of.'),
    secret: z.string().nullable().describe('A fingerprint; null where deliveries are not signed.'),
    costThreshold: z
      .number()
      .nullable()
      .describe('US dollars at which `job.cost.threshold` is told; null: four fifths of what the job may cost.'),
    enabled: z.boolean().describe('Whether anything is sent.'),
    disabledReason: z
      .string()
      .nullable()
      .describe(
        'Why the gateway disabled it: the key behind it has ended. Null where it did not; whoever enables it, or changes it, stands behind it from then on.',
      ),
    createdAt: time.describe('When it was made.'),
    updatedAt: time.describe('When it was changed last.'),
    lastTriggered: time.nullable().describe('When something was sent last; null until then.'),
    stats: z
      .strictObject({
        delivered: z.number().int().describe('That arrived.'),
        failed: z.number().int().describe('That were given up.'),
        retried: z.number().int().describe('That were tried more than once.'),
      })
      .describe('Deliveries since it was made.'),
    recent: z
      .strictObject({
        delivered: z.number().int().describe('That arrived.'),
        failed: z.number().int().describe('That were given up, or dropped because too many waited.'),
      })
      .describe('The last hundred deliveries that have ended.'),
    failing: z
      .strictObject({
        since: time.describe('When the first of them was.'),
        attempts: z.number().int().describe('How often it was tried.'),
        responseCode: z
          .number()
          .int()
          .nullable()
          .describe('HTTP status of the last answer; null where there was none.'),
        error: z.string().nullable().describe('Why it did not arrive; null where it did.'),
      })
      .nullable()
      .describe('Attempts one after the other that did not arrive, with what the last one was answered; null: none.'),
    deliveryHistory: z.array(deliverySchema).optional().describe('With one webhook: the last ten.'),
  })
  .meta({ id: 'Webhook', description: 'A URL that events are sent to, and how its deliveries go.' })

const urlField = lineField(MAX_URL_LENGTH).superRefine((text, context) => {
  const url = URL.parse(text)
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    context.addIssue({ code: 'custom', message: 'must be a URL that begins with https:// or http://' })
  } else if (url.username !== '' || url.password !== '') {
    context.addIssue({ code: 'custom', message: 'must hold no user name or password: sign with a secret instead' })
  }
})

const fields = {
  name: lineField(128).describe('What people call it.'),
  url: urlField.describe('Where events are sent.'),
  events: z
    .array(z.enum(WEBHOOK_EVENTS))
    .min(1)
    .max(WEBHOOK_EVENTS.length)
    .transform((events) => [...new Set(events)].toSorted())
    .describe('Which it is told of.'),
  secret: z.string().min(8).max(256).describe('Signs deliveries; never shown again.'),
  costThreshold: z
    .number()
    .min(0)
    .max(1_000_000)
    .describe('US dollars at which `job.cost.threshold` is told of a job.'),
  enabled: z.boolean().describe('Whether anything is sent.'),
}

/** Body of `POST /plugin-core/webhooks`. */
export const newWebhookSchema = z
  .strictObject({
    ...fields,
    name: fields.name.optional().describe('Default: the host of the URL.'),
    secret: fields.secret.optional(),
    costThreshold: fields.costThreshold.nullable().default(null),
    enabled: fields.enabled.default(true).describe('Whether anything is sent.'),
  })
  .meta({ id: 'NewWebhook', description: 'Where events are to be sent, and which.' })

/** Body of `PUT /plugin-core/webhooks/{id}`: what is absent stays as it is. */
export const webhookChangesSchema = z
  .strictObject({
    name: fields.name.optional().describe('What people call it.'),
    url: fields.url.optional().describe('Where events are sent.'),
    events: fields.events.optional().describe('Which it is told of.'),
    secret: fields.secret.nullable().optional().describe('Null: deliveries are not signed any more.'),
    costThreshold: fields.costThreshold.nullable().optional(),
    enabled: fields.enabled.optional().describe('Whether anything is sent.'),
  })
  .meta({ id: 'WebhookChanges', description: 'What is absent stays as it is.' })

/** A {@link deliverySchema} for the API’s document. */
export const DELIVERY_EXAMPLE: z.input<typeof deliverySchema> = {
  id: 'delivery_01k8m3q7w9x2v5n4c6b8d0f1g3',
  eventId: 'evt_01k8m3q7w9x2v5n4c6b8d0f1g3',
  eventType: 'job.completed',
  timestamp: '2026-01-31T12:00:00.000Z',
  status: 'delivered',
  responseCode: 200,
  responseTime: 120,
  attempts: 1,
  nextAttempt: null,
  error: null,
}

/** A {@link deliveryDetailsSchema} for the API’s document. */
export const DELIVERY_DETAILS_EXAMPLE: z.input<typeof deliveryDetailsSchema> = {
  ...DELIVERY_EXAMPLE,
  request: {
    headers: { 'Content-Type': 'application/json', 'X-Cortex-Event': DELIVERY_EXAMPLE.eventType },
    body: '{"id":"evt_01k8m3q7w9x2v5n4c6b8d0f1g3","type":"job.completed"}',
    bodyBytes: 62,
  },
}

/** A {@link webhookSchema} for the API’s document. */
export const WEBHOOK_EXAMPLE: z.input<typeof webhookSchema> = {
  id: 'webhook_01k8m3q7w9x2v5n4c6b8d0f1g3',
  name: 'Job results',
  url: 'https://receiver.example/cortex',
  events: ['job.completed', 'job.failed'],
  secret: 'sha256:0f1e2d3c4b5a6978',
  costThreshold: null,
  enabled: true,
  disabledReason: null,
  createdAt: '2026-01-31T12:00:00.000Z',
  updatedAt: '2026-01-31T12:00:00.000Z',
  lastTriggered: null,
  stats: { delivered: 156, failed: 2, retried: 5 },
  recent: { delivered: 98, failed: 2 },
  failing: null,
}
