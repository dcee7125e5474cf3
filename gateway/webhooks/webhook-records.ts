import type { Owned } from '../owned-table.ts'
import type { WebhookEvent } from './webhook-events.ts'

export interface WebhookRecord extends Owned {
  name: string
  url: string
  events: WebhookEvent[]
  enabled: boolean
  /** Whether it hears of every owner's jobs: an admin made it. */
  everyOwner: boolean
  /** Encrypted; null where deliveries are not signed. */
  sealedSecret: string | null
  fingerprint: string | null
  /** US dollars at which `job.cost.threshold` is told; null: four fifths of what the job may cost. */
  costThreshold: number | null
  createdAtMs: number
  updatedAtMs: number
  lastTriggeredMs: number | null
  stats: { delivered: number; failed: number; retried: number }
}

export interface DeliveryRecord {
  /** `delivery_…`; sorts by creation, which is the order in which an endpoint gets them. */
  id: string
  webhookId: string
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
  responseCode: number | null
  responseTimeMs: number | null
  error: string | null
}
