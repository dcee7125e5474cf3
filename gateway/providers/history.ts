import { z } from 'zod'
import type { Directory } from '../../node/directory/index.ts'
import { isoTime } from '../../node/views/time.ts'
import { success } from '../contract/envelope.ts'
import { providerHistorySchema } from '../contract/provider-history.ts'
import { PROVIDER_EXAMPLE } from '../contract/providers.ts'
import { GatewayError } from '../http/errors.ts'
import type { Api } from '../http/feature.ts'
import { operation } from '../http/operation.ts'
import { gpuPrices } from './gpu-prices.ts'
import type { ProviderEvent, ProviderLog } from './provider-log.ts'

/** Changes that are told; older ones are left out. */
const MAX_CHANGES = 200

const historyOperation = operation({
  method: 'get',
  path: '/plugin-core/providers/{id}/history',
  operationId: 'getProviderHistory',
  tag: 'Providers',
  summary: 'Changes of a provider’s status and prices, newest first',
  description: `The last ${MAX_CHANGES}, as this gateway heard of them.`,
  permission: 'providers:read',
  request: { params: z.strictObject({ id: z.string().max(128).describe('Which.') }) },
  data: z
    .strictObject({
      id: z.string().describe('Its peer id.'),
      history: z.array(providerHistorySchema).describe('Newest first.'),
    })
    .describe('Its changes.'),
  example: {
    id: PROVIDER_EXAMPLE.id,
    history: [
      {
        timestamp: PROVIDER_EXAMPLE.createdAt,
        type: 'provider.added',
        status: 'online',
        pricing: PROVIDER_EXAMPLE.pricing,
        gpus: [{ model: 'NVIDIA A10', pricePerHour: 0.5 }],
      },
    ],
  },
  errors: ['PROVIDER_NOT_FOUND'],
})

/** `GET /plugin-core/providers/{id}/history`, also of one that is no longer heard of. */
export function addProviderHistoryRoute(
  api: Api,
  { directory, providerLog }: { directory: Directory; providerLog: ProviderLog },
): void {
  api.openapi(historyOperation, async (c) => {
    const { id } = c.req.valid('param')
    const changes = (await providerLog.ofProvider(id)).slice(-MAX_CHANGES).toReversed()
    if (changes.length === 0 && directory.get(id) === undefined) {
      throw new GatewayError('PROVIDER_NOT_FOUND', `There is no provider ${id}`)
    }
    return c.json(success({ id, history: changes.map(changeView) }), 200)
  })
}

function changeView({ timestampMs, type, provider }: ProviderEvent): z.input<typeof providerHistorySchema> {
  const gpus = Object.entries(gpuPrices(provider)).map(([model, pricePerHour]) => ({ model, pricePerHour }))
  return { timestamp: isoTime(timestampMs), type, status: provider.status, pricing: provider.pricing, gpus }
}
