import { createKeyedQueue } from '../../node/store/keyed-queue.ts'
import { key, within } from '../../node/store/tables.ts'
import { createOwnedTable, type OwnedTable } from '../owned-table.ts'
import type { Records } from '../records.ts'
import { type Operation, remove, write } from '../records.ts'
import type { DeliveryRecord, WebhookRecord } from './webhook-records.ts'

/** Deliveries that may wait for one endpoint; more are dropped, and counted as failed. */
export const MAX_WAITING = 10_000
/** Finished deliveries that are kept to be shown, for each endpoint. */
const MAX_HISTORY = 1000

export interface WebhookStore extends Pick<OwnedTable<WebhookRecord>, 'get' | 'visible' | 'list' | 'all' | 'put'> {
  /** Changes a record, one change at a time; undefined where there is none any more. */
  update(id: string, change: (webhook: WebhookRecord) => WebhookRecord): Promise<WebhookRecord | undefined>
  /** With all its deliveries. */
  del(id: string): Promise<void>
  /** Operations that put deliveries in the queue, to be written together with the position they came from. */
  enqueue(deliveries: DeliveryRecord[]): Operation[]
  delivery(webhookId: string, id: string): Promise<DeliveryRecord | undefined>
  /** The one that is next for an endpoint. */
  head(webhookId: string): Promise<DeliveryRecord | undefined>
  /** Keeps a delivery after an attempt; one that is finished leaves the queue. */
  keep(delivery: DeliveryRecord): Promise<void>
  /** Endpoints that something waits for. */
  waiting(): Promise<string[]>
  countWaiting(webhookId: string): Promise<number>
  /** Newest first. */
  history(webhookId: string): AsyncIterable<DeliveryRecord>
  /** Forgets the oldest finished deliveries beyond what is kept. */
  trim(webhookId: string): Promise<void>
}

export function createWebhookStore(records: Records): WebhookStore {
  const { webhooks, deliveries, deliveryQueue, database } = records
  const table = createOwnedTable(webhooks)
  const queue = createKeyedQueue()
  const at = ({ webhookId, id }: Pick<DeliveryRecord, 'webhookId' | 'id'>) => key(webhookId, id)

  return {
    ...table,
    update: async (id, change) =>
      await queue.run(id, async () => {
        const webhook = await table.get(id)
        if (webhook === undefined) return undefined
        const changed = change(webhook)
        await table.put(changed)
        return changed
      }),
    del: async (id) =>
      await queue.run(id, async () => {
        await table.del(id)
        await deliveryQueue.clear(within(id))
        await deliveries.clear(within(id))
      }),
    enqueue: (list) =>
      list.flatMap((delivery) => [write(deliveries, at(delivery), delivery), write(deliveryQueue, at(delivery), '')]),
    delivery: async (webhookId, id) => await deliveries.get(key(webhookId, id)),
    async head(webhookId) {
      for await (const place of deliveryQueue.keys({ ...within(webhookId), limit: 1 }))
        return await deliveries.get(place)
      return undefined
    },
    async keep(delivery) {
      const place = at(delivery)
      const queued = delivery.status === 'retrying' ? write(deliveryQueue, place, '') : remove(deliveryQueue, place)
      await database.batch([write(deliveries, place, delivery), queued])
    },
    async waiting() {
      const ids = new Set<string>()
      for await (const place of deliveryQueue.keys()) ids.add(place.slice(0, place.indexOf('!')))
      return [...ids]
    },
    countWaiting: async (webhookId) => (await deliveryQueue.keys(within(webhookId)).all()).length,
    history: (webhookId) => deliveries.values({ ...within(webhookId), reverse: true }),
    async trim(webhookId) {
      let finished = 0
      const old: Operation[] = []
      for await (const [place, delivery] of deliveries.iterator({ ...within(webhookId), reverse: true })) {
        if (delivery.status === 'retrying') continue
        finished += 1
        if (finished > MAX_HISTORY) old.push(remove(deliveries, place))
      }
      if (old.length > 0) await database.batch(old)
    },
  }
}
