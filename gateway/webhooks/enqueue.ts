import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { newId } from '../ids.ts'
import type { Operation, Records } from '../records.ts'
import { isoTime } from '../time.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { WebhookEvent } from './webhook-events.ts'
import type { DeliveryRecord, WebhookRecord } from './webhook-records.ts'
import { MAX_WAITING, type WebhookStore } from './webhook-store.ts'

export interface EnqueueComponents {
  records: Records
  webhooks: WebhookStore
  dispatcher: Pick<Dispatcher, 'wake'>
  clock: Clock
  logger: Logger
}

/** Something that happened, before it is known who wants to hear of it. */
export interface Happening {
  types: WebhookEvent[]
  /** Whose it is; null is everybody's. */
  owner: string | null
  timestampMs: number
  data: Record<string, unknown>
}

/**
 * Queues deliveries of what happened, in one batch with further writes, such as how far somebody has read.
 * @param among webhooks that may hear of it; absent: all
 */
export type Enqueue = (happenings: Happening[], further: Operation[], among?: WebhookRecord[]) => Promise<void>

export function createEnqueue({ records, webhooks, dispatcher, clock, logger }: EnqueueComponents): Enqueue {
  async function enqueue(happenings: Happening[], further: Operation[], among?: WebhookRecord[]): Promise<void> {
    const listeners = (among ?? (await webhooks.all())).filter((webhook) => webhook.enabled)
    const deliveries = happenings.flatMap((happening) =>
      happening.types.flatMap((type) => {
        const hearing = listeners.filter((webhook) => hears(webhook, type, happening.owner))
        return hearing.length === 0 ? [] : eventDeliveries(happening, type, hearing)
      }),
    )
    const kept = await withinBounds(deliveries)
    const operations: Operation[] = [...webhooks.enqueue(kept), ...further]
    await records.database.batch(operations)
    for (const id of new Set(kept.map((delivery) => delivery.webhookId))) dispatcher.wake(id)
  }

  function eventDeliveries(happening: Happening, type: WebhookEvent, hearing: WebhookRecord[]): DeliveryRecord[] {
    const nowMs = clock.nowMs()
    const eventId = newId('evt', nowMs)
    const body = eventBody(eventId, type, happening.timestampMs, happening.data)
    return hearing.map((webhook) => newDelivery(webhook.id, eventId, type, body, nowMs))
  }

  async function withinBounds(deliveries: DeliveryRecord[]): Promise<DeliveryRecord[]> {
    const kept: DeliveryRecord[] = []
    for (const [webhookId, own] of Map.groupBy(deliveries, (delivery) => delivery.webhookId)) {
      const room = Math.max(0, MAX_WAITING - (await webhooks.countWaiting(webhookId)))
      kept.push(...own.slice(0, room))
      const dropped = own.length - Math.min(own.length, room)
      if (dropped === 0) continue
      logger.warn({ webhookId, dropped }, 'too many deliveries wait for this webhook: events are dropped')
      await webhooks.update(webhookId, (webhook) => ({
        ...webhook,
        stats: { ...webhook.stats, failed: webhook.stats.failed + dropped },
      }))
    }
    return kept
  }

  return enqueue
}

/** The text that is sent: compact JSON, so that a receiver that parses and writes it again gets the same bytes. */
export function eventBody(id: string, type: WebhookEvent, timestampMs: number, data: Record<string, unknown>): string {
  return JSON.stringify({ id, type, createdAt: isoTime(timestampMs), data })
}

function newDelivery(
  webhookId: string,
  eventId: string,
  eventType: WebhookEvent,
  body: string,
  nowMs: number,
): DeliveryRecord {
  return {
    id: newId('delivery', nowMs),
    webhookId,
    eventId,
    eventType,
    body,
    createdAtMs: nowMs,
    status: 'retrying',
    attempts: 0,
    tries: 0,
    nextAttemptMs: nowMs,
    responseCode: null,
    responseTimeMs: null,
    error: null,
  }
}

function hears(webhook: WebhookRecord, type: WebhookEvent, owner: string | null): boolean {
  return webhook.events.includes(type) && (owner === null || webhook.everyOwner || webhook.owner === owner)
}
