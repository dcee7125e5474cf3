import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { isoTime } from '../../node/views/time.ts'
import type { WebhookEvent } from '../contract/webhook-events.ts'
import { newId } from '../records/ids.ts'
import type { Database, Operation } from '../records/table.ts'
import type { Dispatcher } from './dispatcher.ts'
import { type DeliveryRecord, recentWith, type WebhookRecord } from './webhook-records.ts'
import { MAX_WAITING, type WebhookStore } from './webhook-store.ts'

/** What {@link createEnqueue} works with. */
export interface EnqueueComponents {
  db: Database
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
  /** What it is about, such as a job's id: events of one subject are delivered in order. */
  subject: string
}

/**
 * Queues deliveries of what happened, in one batch with further writes, such as how far somebody has read.
 * @param among webhooks that may hear of it; absent: all that hear of its owner
 */
export type Enqueue = (happenings: Happening[], further: Operation[], among?: WebhookRecord[]) => Promise<void>

/** Beyond {@link MAX_WAITING} deliveries of one webhook, events are dropped for it, and counted as failed. */
export function createEnqueue({ db, webhooks, dispatcher, clock, logger }: EnqueueComponents): Enqueue {
  async function enqueue(happenings: Happening[], further: Operation[], among?: WebhookRecord[]): Promise<void> {
    const listeners = new Map<string | null, WebhookRecord[]>()
    for (const { owner } of happenings) {
      if (!listeners.has(owner)) listeners.set(owner, among ?? (await Array.fromAsync(webhooks.hearing(owner))))
    }
    const deliveries = happenings.flatMap((happening) =>
      happening.types.flatMap((type) => {
        const own = listeners.get(happening.owner) ?? []
        const hearing = own.filter(({ enabled, events }) => enabled && events.includes(type))
        return hearing.length === 0 ? [] : eventDeliveries(happening, type, hearing)
      }),
    )
    const kept = await withinBounds(deliveries)
    const operations: Operation[] = [...webhooks.enqueue(kept), ...further]
    await db.batch(operations)
    for (const id of new Set(kept.map((delivery) => delivery.webhookId))) dispatcher.wake(id)
  }

  function eventDeliveries(happening: Happening, type: WebhookEvent, hearing: WebhookRecord[]): DeliveryRecord[] {
    const nowMs = clock.nowMs()
    const eventId = newId('evt', nowMs)
    const body = eventBody(eventId, type, happening.timestampMs, happening.data)
    return hearing.map((webhook) =>
      newDelivery(webhook.id, happening.subject, { eventId, eventType: type, body }, nowMs),
    )
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
        stats: { ...webhook.stats, failed: webhook.stats.failed + dropped },
        recent: recentWith(webhook, false, dropped),
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
  subject: string,
  event: Pick<DeliveryRecord, 'eventId' | 'eventType' | 'body'>,
  nowMs: number,
): DeliveryRecord {
  return {
    id: newId('delivery', nowMs),
    webhookId,
    subject,
    ...event,
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
