import { z } from 'zod'
import { WEBHOOK_EVENTS } from '../contract/webhook-events.ts'
import { exampleData, payloadSchema, WEBHOOK_EVENT_MEANINGS } from '../contract/webhook-payload.ts'
import { DELIVERY_EXAMPLE } from '../contract/webhooks.ts'
import type { Api } from '../http/feature.ts'

/** What goes with every delivery; `X-Cortex-Signature` as `signature.ts` makes it. */
const deliveryHeaders = z.object({
  'x-cortex-event': z.string().describe('The event’s name.'),
  'x-cortex-delivery': z.string().describe('Of this delivery to this webhook: the same each time it is tried.'),
  'x-cortex-signature': z
    .string()
    .optional()
    .describe(
      '`t=SECONDS,v1=HEX`: the HMAC-SHA256, by the webhook’s secret, of `SECONDS.BODY`, the body’s bytes as they came; absent where the webhook has no secret.',
    ),
  'user-agent': z.literal('cortex-node').describe('Who sends.'),
})

/** Describes what is sent to webhooks: `webhooks` of the API's document. */
export function describeWebhooks(api: Api): void {
  for (const event of WEBHOOK_EVENTS) {
    const example = { id: DELIVERY_EXAMPLE.eventId, type: event, createdAt: DELIVERY_EXAMPLE.timestamp }
    api.openAPIRegistry.registerWebhook({
      method: 'post',
      path: event,
      operationId: `on_${event.replaceAll('.', '_')}`,
      tags: ['Webhooks'],
      summary: WEBHOOK_EVENT_MEANINGS[event],
      security: [],
      request: {
        headers: deliveryHeaders,
        body: {
          required: true,
          description: 'The event.',
          content: {
            'application/json': { schema: payloadSchema(event), example: { ...example, data: exampleData(event) } },
          },
        },
      },
      responses: {
        '2XX': { description: 'It has arrived. What is answered is not read.' },
        '4XX': {
          description: 'It has not: it is tried again, as it is after a redirect, or no answer within ten seconds.',
        },
      },
    })
  }
}
