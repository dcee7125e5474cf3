/** How a provider is, the best first: it is heard of, missed once, or missed for longer. */
export const PROVIDER_STATUSES = ['online', 'degraded', 'offline'] as const
