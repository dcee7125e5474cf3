/** What webhooks can be told of, in the words of the API. */
export const WEBHOOK_EVENTS = [
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
] as const
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number]
