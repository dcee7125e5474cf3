import { z } from 'zod'
import { PROVIDER_EVENT_TYPES } from './event-types.ts'
import { providerSchema } from './providers.ts'

/** A change of a provider’s status or prices, as this gateway heard of it, with both as they were from then on. */
export const providerHistorySchema = z
  .strictObject({
    timestamp: z.iso.datetime().describe('When this gateway heard of it.'),
    type: z.enum(PROVIDER_EVENT_TYPES).describe('What changed.'),
    status: providerSchema.shape.status.describe('From then on.'),
    pricing: providerSchema.shape.pricing.describe('From then on.'),
    gpus: z
      .array(
        z.strictObject({
          model: z.string().describe('The driver’s name.'),
          pricePerHour: z.number().describe('US dollars.'),
        }),
      )
      .describe('What a GPU of each model that it sells costs from then on.'),
  })
  .meta({
    id: 'ProviderHistoryEntry',
    description: 'A change of a provider’s status or prices, with both as they were from then on.',
  })
