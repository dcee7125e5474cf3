import { type CallOptions, crud, part } from './resource.ts'
import type { Page, Transport } from './transport.ts'
import type { Delivery, DeliveryDetails, NewWebhook, Paging, Webhook, WebhookChanges, WebhookEvent } from './types.ts'

/** `client.webhooks` */
export function webhookCalls(transport: Transport) {
  const path = '/plugin-core/webhooks'
  return {
    ...crud<Webhook, NewWebhook, WebhookChanges>(transport, path),
    /** Sends an example event now. */
    test: async (id: string, eventType?: WebhookEvent, options: CallOptions = {}): Promise<WebhookTest> =>
      await transport.data({ method: 'POST', path: `${path}/${part(id)}/test`, json: { eventType }, ...options }),
    /** Deliveries, newest first. */
    history: async (id: string, query: DeliveryQuery = {}, options: CallOptions = {}): Promise<Page<Delivery>> =>
      await transport.page({ method: 'GET', path: `${path}/${part(id)}/history`, query: { ...query }, ...options }),
    /** One delivery, with what is sent. */
    delivery: async (id: string, deliveryId: string, options: CallOptions = {}): Promise<DeliveryDetails> =>
      await transport.data({ method: 'GET', path: `${path}/${part(id)}/history/${part(deliveryId)}`, ...options }),
    /** Sends a delivery once more. */
    retry: async (
      id: string,
      deliveryId: string,
      options: CallOptions = {},
    ): Promise<{ id: string; status: 'retrying' }> => {
      const retryPath = `${path}/${part(id)}/history/${part(deliveryId)}/retry`
      return await transport.data({ method: 'POST', path: retryPath, ...options })
    },
  }
}

/** What came of an example event. */
export interface WebhookTest {
  delivered: boolean
  statusCode: number | null
  /** Milliseconds. */
  responseTime: number
  timestamp: string
  error: string | null
}

/** Which deliveries of a webhook; all of them without it. */
export interface DeliveryQuery extends Paging {
  status?: Delivery['status'] | readonly Delivery['status'][]
  /** Queued at or after. */
  from?: Date | string
  /** Queued at or before. */
  to?: Date | string
}
