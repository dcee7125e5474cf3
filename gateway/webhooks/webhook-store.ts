import { key, within } from '../../node/store/tables.ts'
import type { KeysBehind } from '../auth/index.ts'
import { MAX_OWNED } from '../http/limits.ts'
import { EVERY_OWNER, type OwnedTable, openOwnedTable } from '../records/owned-table.ts'
import { type Database, type Operation, openTable, remove, write } from '../records/table.ts'
import type { DeliveryRecord, WaitingRecord, WebhookRecord } from './webhook-records.ts'

/** Deliveries that may wait for one endpoint; more are dropped, and counted as failed. */
export const MAX_WAITING = 10_000
/** Finished deliveries that are kept to be shown, for each endpoint. */
const MAX_HISTORY = 1000
/** What waits since an earlier version: one after the other. */
const UNKNOWN: WaitingRecord = { subject: '', nextAttemptMs: 0, delayMs: 0 }

/** Webhooks, and the deliveries to each: those that wait, and the last that are done. */
export interface WebhookStore
  extends Pick<OwnedTable<WebhookRecord>, 'get' | 'visible' | 'page' | 'each' | 'add' | 'update'> {
  /** Those that may hear of what an owner does; null: of what concerns everybody. */
  hearing(owner: string | null): AsyncIterable<WebhookRecord>
  /** With all its deliveries. */
  del(id: string): Promise<void>
  /** Operations that put deliveries in the queue, to be written together with the position they came from. */
  enqueue(deliveries: DeliveryRecord[]): Operation[]
  delivery(webhookId: string, id: string): Promise<DeliveryRecord | undefined>
  /**
   * The next delivery that an endpoint may be sent now: the oldest that is due and waits for none of the same subject.
   * Without one, in how many ms there may be; null where nothing waits.
   */
  due(webhookId: string, nowMs: number): Promise<{ delivery: DeliveryRecord | undefined; inMs: number | null }>
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

/** Reads the ids of all webhooks; what keys have left behind is read as disabled. */
export async function openWebhookStore({
  db,
  keysBehind,
}: {
  db: Database
  keysBehind: KeysBehind
}): Promise<WebhookStore> {
  /** webhook, id → delivery. */
  const deliveries = openTable<DeliveryRecord>(db, 'deliveries')
  /** webhook, id of a delivery that waits → for what; an empty text in stores of earlier versions. */
  const deliveryQueue = openTable<WaitingRecord | ''>(db, 'delivery-queue')
  const limit = { most: MAX_OWNED.webhooks, what: 'webhooks' }
  const isForAll = ({ everyOwner }: WebhookRecord) => everyOwner
  /** id → webhook, its secret encrypted. */
  const table = await openOwnedTable(
    { db, table: openTable<WebhookRecord>(db, 'webhooks') },
    { limit, isForAll, asRead: keysBehind.asRead },
  )
  const at = ({ webhookId, id }: Pick<DeliveryRecord, 'webhookId' | 'id'>) => key(webhookId, id)

  async function* hearing(owner: string | null): AsyncGenerator<WebhookRecord> {
    if (owner === null) return yield* table.all()
    for await (const webhook of table.each(owner)) if (!webhook.everyOwner) yield webhook
    yield* table.each(EVERY_OWNER)
  }

  keysBehind.add({ path: '/plugin-core/webhooks', table })

  return {
    ...table,
    hearing,
    async del(id) {
      await table.del(id)
      await deliveryQueue.clear(within(id))
      await deliveries.clear(within(id))
    },
    enqueue: (list) =>
      list.flatMap((delivery) => [
        write(deliveries, at(delivery), delivery),
        write(deliveryQueue, at(delivery), waitingOf(delivery)),
      ]),
    delivery: async (webhookId, id) => await deliveries.get(key(webhookId, id)),
    async due(webhookId, nowMs) {
      const before = new Set<string>()
      let inMs: number | null = null
      for await (const [place, waiting] of deliveryQueue.iterator(within(webhookId))) {
        const { subject, nextAttemptMs, delayMs } = waiting === '' ? UNKNOWN : waiting
        if (before.has(subject)) continue
        before.add(subject)
        const ownMs = nextAttemptMs - nowMs
        if (ownMs <= 0 || ownMs > delayMs) return { delivery: await deliveries.get(place), inMs: 0 }
        inMs = Math.min(inMs ?? ownMs, ownMs)
      }
      return { delivery: undefined, inMs }
    },
    async keep(delivery) {
      const place = at(delivery)
      const queued =
        delivery.status === 'retrying' ? write(deliveryQueue, place, waitingOf(delivery)) : remove(deliveryQueue, place)
      await db.batch([write(deliveries, place, delivery), queued])
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
      if (old.length > 0) await db.batch(old)
    },
  }
}

function waitingOf({ subject = '', nextAttemptMs, delayMs = 0 }: DeliveryRecord): WaitingRecord {
  return { subject, nextAttemptMs, delayMs }
}
