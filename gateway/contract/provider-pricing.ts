import { z } from 'zod'

/** What a price of each kind is for. */
export const PRICE_UNITS = {
  cpu: 'core-hour',
  memory: 'GB-hour',
  storage: 'GB-hour',
  gpu: 'GPU-hour',
  network: 'GB',
  volume: 'GB-hour',
  minimum: 'job',
} as const
/** Everything that a provider has a price of; a price of each is in the answer. */
export const PRICE_KINDS = ['cpu', 'memory', 'storage', 'gpu', 'network', 'volume', 'minimum'] as const

const rangeSchema = z.strictObject({
  min: z.number().describe('The lowest.'),
  max: z.number().describe('The highest.'),
  avg: z.number().describe('Weighted by time.'),
})
const ranges = {
  '7d': rangeSchema.describe('In the last 7 days.'),
  '30d': rangeSchema.describe('In the last 30 days.'),
}
const priceSchema = z.strictObject({
  price: z.number().describe('US dollars.'),
  unit: z.enum(Object.values(PRICE_UNITS)).describe('What the price is for.'),
  ...ranges,
})
/** What is asked for a GPU of one model. */
const gpuPriceSchema = z.strictObject({
  model: z.string().describe('The driver’s name.'),
  price: z.number().describe('US dollars per hour, of the cheapest where they differ.'),
  ...ranges,
})
/**
 * Answer of `GET /plugin-core/providers/{id}/pricing`: what it asks now, and between which prices it moved in 7 and 30
 * days.
 */
export const pricingSchema = z
  .strictObject({
    id: z.string().describe('Its peer id.'),
    currency: z.literal('USD').describe('Of all prices.'),
    cpu: priceSchema.describe('Of cores.'),
    memory: priceSchema.describe('Of memory.'),
    storage: priceSchema.describe('Of storage.'),
    gpu: priceSchema.describe('Of models without a price of their own.'),
    gpus: z
      .array(gpuPriceSchema)
      .describe('Of each model that it sells now; ranges are over the time in which it sold that model.'),
    network: priceSchema.describe('Of traffic.'),
    volume: priceSchema.describe('Of volumes that stay, while no job has them.'),
    minimum: priceSchema.describe('That a job pays at least.'),
  })
  .meta({
    id: 'ProviderPricing',
    description: 'What a provider asks now, and between which prices it moved in 7 and 30 days.',
  })
