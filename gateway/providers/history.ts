import type { OpenAPIHono } from '@hono/zod-openapi'
import { z } from 'zod'
import type { GatewayEnv } from '../context.ts'
import { success } from '../envelope.ts'
import { GatewayError } from '../errors.ts'
import { PROVIDER_EVENT_TYPES, type ProviderEvent } from '../events/provider-log.ts'
import { operation } from '../operation.ts'
import type { GatewayParts } from '../parts.ts'
import { isoTime } from '../time.ts'
import { PROVIDER_EXAMPLE, providerSchema } from './schemas.ts'

/** Changes that are told; older ones are left out. */
const MAX_CHANGES = 200

export const providerHistorySchema = z
  .strictObject({
    timestamp: z.iso.datetime(),
    type: z.enum(PROVIDER_EVENT_TYPES),
    status: providerSchema.shape.status.describe('From then on.'),
    pricing: providerSchema.shape.pricing.describe('From then on.'),
  })
  .meta({ id: 'ProviderHistoryEntry' })

const historyOperation = operation({
  method: 'get',
  path: '/plugin-core/providers/{id}/history',
  operationId: 'getProviderHistory',
  tag: 'Providers',
  summary: 'Changes of a provider’s status and prices, newest first',
  description: `The last ${MAX_CHANGES}, as this gateway heard of them.`,
  permission: 'providers:read',
  request: { params: z.strictObject({ id: z.string().max(128) }) },
  data: z.strictObject({ id: z.string(), history: z.array(providerHistorySchema) }),
  example: {
    id: PROVIDER_EXAMPLE.id,
    history: [
      {
        timestamp: PROVIDER_EXAMPLE.createdAt,
        type: 'provider.added',
        status: 'online',
        pricing: PROVIDER_EXAMPLE.pricing,
      },
    ],
  },
  errors: ['PROVIDER_NOT_FOUND'],
})

export function addProviderHistoryRoute(
  api: OpenAPIHono<GatewayEnv>,
  { node, providerLog }: Pick<GatewayParts, 'node' | 'providerLog'>,
): void {
  api.openapi(historyOperation, async (c) => {
    const { id } = c.req.valid('param')
    const changes = (await providerLog.ofProvider(id)).slice(-MAX_CHANGES).toReversed()
    if (changes.length === 0 && node.directory.get(id) === undefined) {
      throw new GatewayError('PROVIDER_NOT_FOUND', `There is no provider ${id}`)
    }
    return c.json(success({ id, history: changes.map(changeView) }), 200)
  })
}

function changeView({ timestampMs, type, provider }: ProviderEvent): z.input<typeof providerHistorySchema> {
  return { timestamp: isoTime(timestampMs), type, status: provider.status, pricing: provider.pricing }
}
