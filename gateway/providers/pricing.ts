import { z } from 'zod'
import type { Clock } from '../../node/clock.ts'
import type { Directory } from '../../node/directory/index.ts'
import { success } from '../contract/envelope.ts'
import { type PRICE_KINDS, PRICE_UNITS, pricingSchema } from '../contract/provider-pricing.ts'
import { PROVIDER_EXAMPLE } from '../contract/providers.ts'
import { GatewayError } from '../http/errors.ts'
import type { Api } from '../http/feature.ts'
import { operation } from '../http/operation.ts'
import type { ProviderLog } from './provider-log.ts'
import { providerView } from './view.ts'

const DAY_MS = 86_400_000
type Prices = Record<(typeof PRICE_KINDS)[number], number>
/** Prices from a moment on. */
interface Step {
  fromMs: number
  prices: Prices
}

const RANGE = { min: 0.02, max: 0.03, avg: 0.024 }
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
  request: { params: z.strictObject({ id: z.string().max(128) }) },
  data: pricingSchema,
  example: {
    id: PROVIDER_EXAMPLE.id,
    currency: 'USD',
    cpu: price('core-hour'),
    memory: price('GB-hour'),
    storage: price('GB-hour'),
    gpu: price('GPU-hour'),
    network: price('GB'),
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
    const now = providerView(known, 0n).pricing
    const nowMs = clock.nowMs()
    const heard = (await providerLog.ofProvider(id)).map(({ timestampMs, provider }): Step => {
      return { fromMs: timestampMs, prices: provider.pricing }
    })
    const steps = [...heard, { fromMs: nowMs, prices: now }]
    const kind = (name: (typeof PRICE_KINDS)[number]) => ({
      price: now[name],
      unit: PRICE_UNITS[name],
      '7d': rangeOf(steps, name, nowMs - 7 * DAY_MS, nowMs),
      '30d': rangeOf(steps, name, nowMs - 30 * DAY_MS, nowMs),
    })
    const [cpu, memory, storage, gpu, network, minimum] = [
      kind('cpu'),
      kind('memory'),
      kind('storage'),
      kind('gpu'),
      kind('network'),
      kind('minimum'),
    ]
    return c.json(success({ id, currency: 'USD' as const, cpu, memory, storage, gpu, network, minimum }), 200)
  })
}

/** Of the prices in force between two moments, each weighted by how long it was. */
function rangeOf(steps: Step[], name: (typeof PRICE_KINDS)[number], fromMs: number, toMs: number) {
  const parts = steps.flatMap(({ fromMs: begunMs, prices }, i) => {
    const endMs = steps[i + 1]?.fromMs ?? toMs
    const isLast = i === steps.length - 1
    return endMs < fromMs && !isLast
      ? []
      : [{ value: prices[name], ms: Math.max(0, endMs - Math.max(begunMs, fromMs)) }]
  })
  const values = parts.map(({ value }) => value)
  const totalMs = parts.reduce((sum, { ms }) => sum + ms, 0)
  const avg = totalMs === 0 ? (values.at(-1) ?? 0) : parts.reduce((sum, { value, ms }) => sum + value * ms, 0) / totalMs
  return { min: Math.min(...values), max: Math.max(...values), avg: Math.round(avg * 1e9) / 1e9 }
}
