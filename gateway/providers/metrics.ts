import { z } from 'zod'
import type { Clock } from '../../node/clock.ts'
import type { Directory } from '../../node/directory/index.ts'
import { isoTime } from '../../node/views/time.ts'
import { success } from '../contract/envelope.ts'
import { keysOf, listField } from '../contract/list-fields.ts'
import {
  PROVIDER_METRICS,
  PROVIDER_PERIODS,
  PROVIDER_RESOLUTIONS,
  type ProviderMetric,
  providerMetricsSchema,
} from '../contract/provider-metrics.ts'
import { GatewayError } from '../http/errors.ts'
import type { Api } from '../http/feature.ts'
import { operation } from '../http/operation.ts'
import type { ProviderSample, ProviderSamples } from './samples.ts'

const POINT = { timestamp: '2026-01-31T12:00:00.000Z', value: 12 }

const metricsOperation = operation({
  method: 'get',
  path: '/plugin-core/providers/{id}/metrics',
  operationId: 'getProviderMetrics',
  tag: 'Providers',
  summary: 'How near and how busy a provider was',
  description: 'As this gateway saw it, looking every five minutes.',
  permission: 'providers:read',
  request: {
    params: z.strictObject({ id: z.string().max(128).describe('Which.') }),
    query: z.strictObject({
      period: keysOf(PROVIDER_PERIODS).default('24h').describe('How far back.'),
      resolution: keysOf(PROVIDER_RESOLUTIONS).default('5m').describe('How far apart the points are.'),
      metrics: listField(PROVIDER_METRICS).describe('Only these, comma-separated.'),
    }),
  },
  data: providerMetricsSchema,
  example: { latency: [POINT], cpu: [POINT], memory: [POINT], storage: [POINT], uptime: [POINT] },
  errors: ['PROVIDER_NOT_FOUND'],
})

/** `GET /plugin-core/providers/{id}/metrics`, also of one that is no longer heard of. */
export function addProviderMetricsRoute(
  api: Api,
  { directory, providerSamples, clock }: { directory: Directory; providerSamples: ProviderSamples; clock: Clock },
): void {
  api.openapi(metricsOperation, async (c) => {
    const { id } = c.req.valid('param')
    const { period, resolution, metrics = PROVIDER_METRICS } = c.req.valid('query')
    const samples = await providerSamples.read(id, clock.nowMs() - PROVIDER_PERIODS[period])
    if (samples.length === 0 && directory.get(id) === undefined) {
      throw new GatewayError('PROVIDER_NOT_FOUND', `There is no provider ${id}: GET /plugin-core/providers lists them`)
    }
    return c.json(success(metricsView(samples, PROVIDER_RESOLUTIONS[resolution], metrics)), 200)
  })
}

/** Averages of buckets that begin at whole multiples of the resolution; one without a value is left out. */
function metricsView(
  samples: ProviderSample[],
  resolutionMs: number,
  metrics: readonly ProviderMetric[],
): z.input<typeof providerMetricsSchema> {
  const buckets = Map.groupBy(samples, ({ timestampMs }) => Math.floor(timestampMs / resolutionMs) * resolutionMs)
  const series = (metric: ProviderMetric) =>
    [...buckets].flatMap(([startMs, bucket]) => {
      const values = bucket.map((sample) => valueIn(sample, metric)).filter((value) => value !== null)
      const sum = values.reduce((total, value) => total + value, 0)
      const value = Math.round((sum / values.length) * 10) / 10
      return values.length === 0 ? [] : [{ timestamp: isoTime(startMs), value }]
    })
  return Object.fromEntries(metrics.map((metric) => [metric, series(metric)]))
}

function valueIn(sample: ProviderSample, metric: ProviderMetric): number | null {
  return metric === 'uptime' ? (sample.online ? 100 : 0) : sample[metric]
}
