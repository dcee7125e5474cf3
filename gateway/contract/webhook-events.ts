import type { Permission } from '../contract/permissions.ts'

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
/** One of {@link WEBHOOK_EVENTS}. */
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number]

/** What a key needs to be told of some events: what it takes to read of them. */
export function permissionsFor(events: readonly WebhookEvent[]): Permission[] {
  const needed: [beginning: string, Permission][] = [
    ['job.', 'jobs:read'],
    ['provider.', 'providers:read'],
  ]
  return needed.flatMap(([beginning, permission]) =>
    events.some((one) => one.startsWith(beginning)) ? [permission] : [],
  )
}
