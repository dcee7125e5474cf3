import type { Clock } from '../../node/clock.ts'
import type { Directory } from '../../node/directory/index.ts'
import type { Logger } from '../../node/logger.ts'
import type { FeedEntry, JobStore } from '../../node/store/index.ts'
import type { JobEventType } from '../../protocol/lifecycle.ts'
import type { ProviderLog } from '../events/provider-log.ts'
import { followFeed } from '../feed/feed.ts'
import { newId } from '../ids.ts'
import { jobView } from '../jobs/view.ts'
import { type Operation, type Records, write } from '../records.ts'
import { follow } from '../sse/follow.ts'
import { isoTime } from '../time.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { DeliveryRecord, WebhookEvent, WebhookRecord } from './webhook-records.ts'
import { MAX_WAITING, type WebhookStore } from './webhook-store.ts'

const BATCH = 100
const JOBS_POSITION = 'webhooks-feed'
const PROVIDERS_POSITION = 'webhooks-providers'

/** What a job's event is called where webhooks are told of it. */
const JOB_EVENTS: Partial<Record<JobEventType, WebhookEvent[]>> = {
  created: ['job.created', 'job.status.changed'],
  scheduled: ['job.scheduled', 'job.status.changed'],
  started: ['job.started', 'job.status.changed'],
  expired: ['job.expired'],
  lost: ['job.status.changed'],
  completed: ['job.completed', 'job.status.changed'],
  failed: ['job.failed', 'job.status.changed'],
  cancelled: ['job.cancelled', 'job.status.changed'],
}

export interface PumpComponents {
  store: Pick<JobStore, 'feed' | 'onFeed' | 'feedEnd' | 'get'>
  directory: Directory
  providerLog: ProviderLog
  records: Records
  webhooks: WebhookStore
  dispatcher: Pick<Dispatcher, 'wake'>
  clock: Clock
  logger: Logger
}

/** Something that happened, before it is known who wants to hear of it. */
interface Happening {
  types: WebhookEvent[]
  /** Whose it is; null is everybody's. */
  owner: string | null
  timestampMs: number
  data: Record<string, unknown>
}

/**
 * Turns what happens into queued deliveries. The deliveries and the position they came from are written in one batch, so
 * each event is queued exactly once, also over a crash.
 */
export function createPump(components: PumpComponents) {
  const { store, directory, providerLog, records, webhooks, dispatcher, clock, logger } = components

  /** Where the pumps begin, the first time: what happened before is nobody's news. */
  async function begin(): Promise<void> {
    if ((await records.meta.get(JOBS_POSITION)) !== undefined) return
    const positions = { [JOBS_POSITION]: store.feedEnd(), [PROVIDERS_POSITION]: providerLog.end() }
    await records.database.batch(
      Object.entries(positions).map(([name, position]) => write(records.meta, name, String(position))),
    )
  }

  async function pumpJobs(signal: AbortSignal): Promise<void> {
    const from = Number(await records.meta.get(JOBS_POSITION))
    for await (const entries of followFeed(store, from, signal)) {
      const happenings = await Promise.all(entries.map(jobHappening))
      await enqueue(happenings, JOBS_POSITION, entries.at(-1)?.position ?? from)
    }
  }

  async function jobHappening({ jobId, owner, event }: FeedEntry): Promise<Happening> {
    const job = await store.get(jobId)
    const data = job === undefined ? {} : { job: jobView(job, directory) }
    return { types: JOB_EVENTS[event.type] ?? [], owner, timestampMs: event.timestampMs, data }
  }

  async function pumpProviders(signal: AbortSignal): Promise<void> {
    let last = Number(await records.meta.get(PROVIDERS_POSITION))
    const source = {
      read: async () => await providerLog.read(last, BATCH),
      ended: async () => false,
      onChange: providerLog.onChange,
    }
    for await (const events of follow(source, signal)) {
      last = events.at(-1)?.seq ?? last
      const happenings = events.map(({ type, timestampMs, provider }) => {
        return { types: [type], owner: null, timestampMs, data: { provider } }
      })
      await enqueue(happenings, PROVIDERS_POSITION, last)
    }
  }

  async function enqueue(happenings: Happening[], positionName: string, position: number): Promise<void> {
    const listeners = (await webhooks.all()).filter((webhook) => webhook.enabled)
    const deliveries = happenings.flatMap((happening) =>
      happening.types.flatMap((type) => {
        const hearing = listeners.filter((webhook) => hears(webhook, type, happening.owner))
        return hearing.length === 0 ? [] : eventDeliveries(happening, type, hearing)
      }),
    )
    const kept = await withinBounds(deliveries)
    const operations: Operation[] = [...webhooks.enqueue(kept), write(records.meta, positionName, String(position))]
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

  return { begin, pumpJobs, pumpProviders }
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
