import type { WebhookEvent } from '../../../client/index.ts'

/** What webhooks can be told of. */
export const WEBHOOK_EVENTS: readonly WebhookEvent[] = [
  'job.created',
  'job.scheduled',
  'job.started',
  'job.completed',
  'job.failed',
  'job.cancelled',
  'job.expired',
  'job.cost.threshold',
  'job.status.changed',
  'provider.status.changed',
  'provider.pricing.changed',
  'provider.added',
  'provider.removed',
  'system.alert',
]
