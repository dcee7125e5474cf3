import { z } from 'zod'
import type { Clock } from '../../node/clock.ts'
import type { Directory } from '../../node/directory/index.ts'
import { success } from '../contract/envelope.ts'
import { type PRICE_KINDS, PRICE_UNITS, pricingSchema } from '../contract/provider-pricing.ts'
import { PROVIDER_EXAMPLE } from '../contract/providers.ts'
import { GatewayError } from '../http/errors.ts'
import type { Api } from '../http/feature.ts'
import { operation } from '../http/operation.ts'
import { gpuPrices } from './gpu-prices.ts'
import type { ProviderLog } from './provider-log.ts'
import { providerView } from './view.ts'

const DAY_MS = 86_400_000
type Prices = Record<(typeof PRICE_KINDS)[number], number>
/** Prices from a moment on. */
interface Step {
  fromMs: number
  prices: Prices
  /** By model. */
  gpus: Record<string, number>
}

const RANGE = { min: 0.02, max: 0.03, avg: 0.024 }
const GPU_RANGE = { min: 0.45, max: 0.5, avg: 0.49 }
const price = (unit: (typeof PRICE_UNITS)[keyof typeof PRICE_UNITS]) => ({
  price: 0.02,
  unit,
  '7d': RANGE,
  '30d': RANGE,
})

const pricingOperation = operation({
  method: 'get',
  path: '/plugin-core/providers/{id}/pricing',
  operationId: 'getProviderPricing',
  tag: 'Providers',
  summary: 'What a provider asks, now and lately',
  description: 'The last days are as this gateway heard of them; where it knows less, the time that it knows counts.',
  permission: 'providers:read',
  request: { params: z.strictObject({ id: z.string().max(128).describe('Which.') }) },
  data: pricingSchema,
  example: {
    id: PROVIDER_EXAMPLE.id,
    currency: 'USD',
    cpu: price('core-hour'),
    memory: price('GB-hour'),
    storage: price('GB-hour'),
    gpu: price('GPU-hour'),
    gpus: [{ model: 'NVIDIA A10', price: 0.5, '7d': GPU_RANGE, '30d': GPU_RANGE }],
    network: price('GB'),
    volume: price('GB-hour'),
    minimum: price('job'),
  },
  errors: ['PROVIDER_NOT_FOUND'],
})

/** `GET /plugin-core/providers/{id}/pricing`, from what the provider announced since this gateway first heard of it. */
export function addPricingRoute(
  api: Api,
  { directory, providerLog, clock }: { directory: Directory; providerLog: ProviderLog; clock: Clock },
): void {
  api.openapi(pricingOperation, async (c) => {
    const { id } = c.req.valid('param')
    const known = directory.get(id)
    if (known === undefined) throw new GatewayError('PROVIDER_NOT_FOUND', `There is no provider ${id}`)
    const nowMs = clock.nowMs()
    const stepOf = (fromMs: number, provider: ReturnType<typeof providerView>): Step => {
      return { fromMs, prices: provider.pricing, gpus: gpuPrices(provider) }
    }
    const heard = (await providerLog.ofProvider(id)).map(({ timestampMs, provider }) => stepOf(timestampMs, provider))
    const now = stepOf(nowMs, providerView(known, 0n))
    const steps = [...heard, now]
    const ranges = (of: (step: Step) => number | undefined) => ({
      '7d': rangeOf(steps, of, nowMs - 7 * DAY_MS, nowMs),
      '30d': rangeOf(steps, of, nowMs - 30 * DAY_MS, nowMs),
    })
    const kind = (name: (typeof PRICE_KINDS)[number]) => ({
      price: now.prices[name],
      unit: PRICE_UNITS[name],
      ...ranges(({ prices }) => prices[name]),
    })
    const gpus = Object.entries(now.gpus).map(([model, price]) => {
      return { model, price, ...ranges((step) => step.gpus[model]) }
    })
    const [cpu, memory, storage, gpu, network, volume, minimum] = [
      kind('cpu'),
      kind('memory'),
      kind('storage'),
      kind('gpu'),
      kind('network'),
      kind('volume'),
      kind('minimum'),
    ]
    const prices = { cpu, memory, storage, gpu, gpus, network, volume, minimum }
    return c.json(success({ id, currency: 'USD' as const, ...prices }), 200)
  })
}

/** Of the prices in force between two moments, each weighted by how long it was. @param of none while it was not sold */
function rangeOf(steps: Step[], of: (step: Step) => number | undefined, fromMs: number, toMs: number) {
  const parts = steps.flatMap((step, i) => {
    const value = of(step)
    const endMs = steps[i + 1]?.fromMs ?? toMs
    const isLast = i === steps.length - 1
    return value === undefined || (endMs < fromMs && !isLast)
      ? []
      : [{ value, ms: Math.max(0, endMs - Math.max(step.fromMs, fromMs)) }]
  })
  const values = parts.map(({ value }) => value)
  const totalMs = parts.reduce((sum, { ms }) => sum + ms, 0)
  const avg = totalMs === 0 ? (values.at(-1) ?? 0) : parts.reduce((sum, { value, ms }) => sum + value * ms, 0) / totalMs
  return { min: Math.min(...values), max: Math.max(...values), avg: Math.round(avg * 1e9) / 1e9 }
}
