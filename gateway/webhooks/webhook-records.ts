import type { LeftBehind } from '../auth/index.ts'
import type { WebhookEvent } from '../contract/webhook-events.ts'
import type { Owned } from '../records/owned-table.ts'

/** A webhook as it is kept. */
export interface WebhookRecord extends Owned, LeftBehind {
  name: string
  url: string
  events: WebhookEvent[]
  /** Whether it hears of every owner's jobs: an admin made it. */
  everyOwner: boolean
  /** Encrypted; null where deliveries are not signed. */
  sealedSecret: string | null
  /** Of the secret, to be shown; null where deliveries are not signed. */
  fingerprint: string | null
  /** US dollars at which `job.cost.threshold` is told; null: four fifths of what the job may cost. */
  costThreshold: number | null
  createdAtMs: number
  updatedAtMs: number
  /** When something was last sent to it, whatever came of that. */
  lastTriggeredMs: number | null
  stats: { delivered: number; failed: number; retried: number }
  /** Whether each of the last deliveries that have ended arrived, the newest last; absent where none has since this is kept. */
  recent?: boolean[]
  /** What fails since the last delivery that arrived; null or absent where nothing does. */
  failing?: Failing | null
}

/** Ended deliveries that are counted as recent. */
const RECENT = 100

/** What is counted as recent once so many more have ended alike. */
export function recentWith({ recent = [] }: Pick<WebhookRecord, 'recent'>, arrived: boolean, count = 1): boolean[] {
  return [...recent, ...Array<boolean>(Math.min(count, RECENT)).fill(arrived)].slice(-RECENT)
}

/** Attempts one after the other that did not arrive, whatever they were to deliver. */
export interface Failing {
  sinceMs: number
  attempts: number
  /** Of the last one. */
  responseCode: number | null
  error: string | null
}

/** A delivery in the queue. */
export interface WaitingRecord {
  /** {@link DeliveryRecord.subject} */
  subject: string
  nextAttemptMs: number
  /** How long before `nextAttemptMs` that was decided: if it lies further ahead, the clock was set back. */
  delayMs: number
}

/** One event on its way to one webhook, or what became of it. */
export interface DeliveryRecord {
  /** `delivery_…`; sorts by creation. */
  id: string
  webhookId: string
  /** What it tells of, such as a job's id: deliveries of one subject arrive in order, and wait for no other subject. */
  subject: string
  eventId: string
  eventType: WebhookEvent
  /** The very text that is sent. */
  body: string
  createdAtMs: number
  status: 'retrying' | 'delivered' | 'failed'
  /** Attempts in all. */
  attempts: number
  /** Attempts since it was queued, or queued again by hand: where in the table of retries it is. */
  tries: number
  nextAttemptMs: number
  /** How long the last attempt put off the next, in ms. */
  delayMs?: number
  /** Of the last attempt, as the next two are; null where nothing answered, or it was not made yet. */
  responseCode: number | null
  responseTimeMs: number | null
  error: string | null
}
