import { JOB_EVENT_TYPES } from '../../protocol/lifecycle.ts'

/** What happens to providers. */
export const PROVIDER_EVENT_TYPES = [
  'provider.added',
  'provider.status.changed',
  'provider.pricing.changed',
  'provider.removed',
] as const
/** One of {@link PROVIDER_EVENT_TYPES}. */
export type ProviderEventType = (typeof PROVIDER_EVENT_TYPES)[number]

/** Every type of event that streams and sockets tell. */
export const EVENT_TYPES = [...JOB_EVENT_TYPES.map((type) => `job.${type}` as const), ...PROVIDER_EVENT_TYPES]
