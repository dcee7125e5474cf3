import { z } from 'zod'

const time = z.iso.datetime()
const usd = z.number()
export const PROVIDER_STATUSES = ['online', 'degraded', 'offline'] as const

const capacitySchema = z
  .strictObject({
    cpu: z.number().describe('Millicores.'),
    memory: z.string(),
    storage: z.string(),
    gpu: z.number().int(),
  })
  .meta({ id: 'Capacity' })

const providerCapacitySchema = z
  .strictObject({
    ...capacitySchema.shape,
    gpu: z
      .array(
        z.strictObject({
          model: z.string().describe('The driver’s name; empty where the provider does not tell.'),
          memory: z.string().describe('Of each.'),
          count: z.number().int(),
        }),
      )
      .describe('By kind.'),
  })
  .meta({ id: 'ProviderCapacity' })

export const providerSchema = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    type: z.literal('p2p'),
    status: z.enum(PROVIDER_STATUSES),
    version: z.string(),
    endpoints: z.array(z.string()).describe('Multiaddrs.'),
    region: z.string(),
    labels: z.record(z.string(), z.string()),
    architecture: z.string(),
    capacity: z.strictObject({ total: providerCapacitySchema, free: providerCapacitySchema }),
    metrics: z.strictObject({
      latency: z.number().nullable().describe('Round trip in ms; null where it was not measured.'),
      uptime: z.number().describe('Seconds without a break, as it says itself.'),
      jobsCompleted: z.number().int(),
      jobsFailed: z.number().int(),
      costToDate: usd.describe('What your jobs cost there.'),
    }),
    pricing: z.strictObject({
      cpu: usd.describe('Per core-hour.'),
      memory: usd.describe('Per GB-hour.'),
      storage: usd.describe('Per GB-hour.'),
      gpu: usd.describe('Per GPU-hour.'),
      network: usd.describe('Per GB.'),
      minimum: usd.describe('Per job that ran, at least.'),
      currency: z.literal('USD'),
    }),
    capabilities: z.array(z.string()),
    storageQuota: z
      .enum(['hard', 'measured'])
      .describe('Whether its engine holds containers to their storage, or their use is measured every few seconds.'),
    paused: z.string().nullable().describe('Why it takes no jobs; null while it does.'),
    createdAt: time.describe('First heard of.'),
    updatedAt: time.describe('Last heard of.'),
  })
  .meta({ id: 'Provider' })

export const providerStatusSchema = z
  .strictObject({
    id: z.string(),
    status: z.enum(PROVIDER_STATUSES),
    latency: z.number().nullable(),
    lastChecked: time,
    version: z.string(),
    nodeCount: z.number().int(),
    networkLoad: z
      .strictObject({ cpu: z.number(), memory: z.number(), storage: z.number() })
      .describe('Percent of its capacity that is taken.'),
  })
  .meta({ id: 'ProviderStatus' })

export const networkSchema = z
  .strictObject({
    name: z.string(),
    type: z.literal('p2p'),
    status: z.enum(PROVIDER_STATUSES),
    providers: z.strictObject({
      online: z.number().int(),
      degraded: z.number().int(),
      offline: z.number().int(),
      total: z.number().int(),
    }),
    peers: z.number().int().describe('Peers this gateway is connected to.'),
    capacity: z.strictObject({ total: capacitySchema, free: capacitySchema }),
    priceRange: z
      .strictObject({ cpu: z.strictObject({ min: usd, max: usd }), memory: z.strictObject({ min: usd, max: usd }) })
      .nullable()
      .describe('Of providers that are online; null where none is.'),
    jobs: z.strictObject({
      pending: z.number().int(),
      scheduled: z.number().int(),
      running: z.number().int(),
      completed: z.number().int(),
      failed: z.number().int(),
      cancelled: z.number().int(),
    }),
  })
  .meta({ id: 'Network' })

const GPUS = [{ model: 'NVIDIA A10', memory: '24Gi', count: 2 }]
const CAPACITY = { cpu: 4000, memory: '8Gi', storage: '100Gi', gpu: 2 }
export const PROVIDER_EXAMPLE: z.input<typeof providerSchema> = {
  id: '12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo',
  name: 'attic',
  type: 'p2p',
  status: 'online',
  version: '0.1.0',
  endpoints: ['/ip4/192.0.2.7/tcp/13100/p2p/12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo'],
  region: 'eu-west',
  labels: {},
  architecture: 'amd64',
  capacity: { total: { ...CAPACITY, gpu: GPUS }, free: { ...CAPACITY, gpu: GPUS } },
  metrics: { latency: 12, uptime: 86_400, jobsCompleted: 156, jobsFailed: 3, costToDate: 4.5 },
  pricing: { cpu: 0.02, memory: 0.01, storage: 0.001, gpu: 0.5, network: 0, minimum: 0, currency: 'USD' },
  capabilities: ['extend', 'storage-quota'],
  storageQuota: 'hard',
  paused: null,
  createdAt: '2026-01-01T10:00:00.000Z',
  updatedAt: '2026-01-31T12:00:00.000Z',
}

export const NETWORK_EXAMPLE: z.input<typeof networkSchema> = {
  name: 'p2p',
  type: 'p2p',
  status: 'online',
  providers: { online: 2, degraded: 0, offline: 1, total: 3 },
  peers: 3,
  capacity: { total: CAPACITY, free: CAPACITY },
  priceRange: { cpu: { min: 0.02, max: 0.03 }, memory: { min: 0.01, max: 0.02 } },
  jobs: { pending: 0, scheduled: 0, running: 1, completed: 156, failed: 3, cancelled: 2 },
}
