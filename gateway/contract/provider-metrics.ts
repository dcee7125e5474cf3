import { z } from 'zod'

const HOUR_MS = 3_600_000
/** Answers of `period` and `resolution`, in ms. */
export const PROVIDER_PERIODS = {
  '1h': HOUR_MS,
  '6h': 6 * HOUR_MS,
  '24h': 24 * HOUR_MS,
  '7d': 168 * HOUR_MS,
  '30d': 720 * HOUR_MS,
}
/** How far apart points may be, in ms; a gateway looks every five minutes, so that nothing is finer. */
export const PROVIDER_RESOLUTIONS = { '5m': HOUR_MS / 12, '1h': HOUR_MS, '1d': 24 * HOUR_MS }
/** What may be asked for by `metrics`; all of them where nothing is. */
export const PROVIDER_METRICS = ['latency', 'cpu', 'memory', 'storage', 'uptime'] as const
/** One of {@link PROVIDER_METRICS}. */
export type ProviderMetric = (typeof PROVIDER_METRICS)[number]

const seriesSchema = z.array(
  z.strictObject({
    timestamp: z.iso.datetime().describe('When the step began.'),
    value: z.number().describe('In the step.'),
  }),
)

/**
 * How near and how busy a provider was: of each metric that was asked for a point per step that has a sample, oldest
 * first.
 */
export const providerMetricsSchema = z
  .strictObject({
    latency: seriesSchema.optional().describe('Round trip in ms, on average.'),
    cpu: seriesSchema.optional().describe('Percent of its capacity that is taken, on average; likewise the next two.'),
    memory: seriesSchema.optional().describe('Percent of its capacity that is taken.'),
    storage: seriesSchema.optional().describe('Percent of its capacity that is taken.'),
    uptime: seriesSchema.optional().describe('Percent of the times it was looked at that it was there.'),
  })
  .meta({
    id: 'ProviderMetrics',
    description: 'How near and how busy a provider was: a point for each step that has a sample, oldest first.',
  })
