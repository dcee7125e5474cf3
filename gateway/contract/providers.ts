import { z } from 'zod'
import { GPU_EXAMPLE, gpuSchema } from './gpus.ts'
import { jobCountsSchema } from './job-counts.ts'
import { PROVIDER_STATUSES } from './provider-status.ts'

const time = z.iso.datetime()
const usd = z.number()

const capacitySchema = z
  .strictObject({
    cpu: z.number().describe('Millicores.'),
    memory: z.string().describe('With a unit, such as `8Gi`.'),
    storage: z.string().describe('With a unit, such as `100Gi`.'),
    gpu: z.number().int().describe('GPUs of all kinds.'),
  })
  .meta({ id: 'Capacity', description: 'What there is of each resource.' })

const providerCapacitySchema = z
  .strictObject({
    ...capacitySchema.shape,
    gpu: z.array(z.strictObject({ ...gpuSchema.shape, pricePerHour: usd.describe('For one.') })).describe('By kind.'),
  })
  .meta({ id: 'ProviderCapacity', description: 'What a provider has of each resource.' })

const figures = {
  cpuSingle: z.number().int().describe('Primes up to 10,000 that one core finds, times a second.'),
  cpuAll: z.number().int().describe('The same of all cores together.'),
  memoryBandwidth: z.number().int().describe('Bytes a second that one core reads and writes as it copies.'),
  diskRead: z.number().int().describe('Bytes a second, in blocks of 1 MiB.'),
  diskWrite: z.number().int().describe('Bytes a second, in blocks of 1 MiB.'),
  iops: z.number().int().describe('Blocks of 4 KiB a second, half read and half written.'),
  at: time.describe('When it was measured.'),
  method: z.string().describe('Version of the methods: figures of two versions are not compared.'),
}

/** What a machine does in a second; 0 is what was not measured. */
const measuredSchema = z
  .strictObject(figures)
  .meta({ id: 'Measured', description: 'What a machine does in a second; 0 is what was not measured.' })

/** What the asker's own jobs found, see `benchProvider`. */
const seenSchema = z
  .strictObject({ ...figures, jobs: z.number().int().describe('How many measured; the figures are their mean.') })
  .meta({ id: 'Seen', description: 'What your own jobs measured there.' })

/** What a machine is made of, as its system tells; empty and 0 is what that does not. */
const hardwareSchema = z
  .strictObject({
    cpu: z
      .strictObject({
        model: z.string().describe('As its maker calls it.'),
        cores: z.number().int().describe('Physical ones.'),
        threads: z.number().int().describe('That run at once.'),
        mhz: z.number().int().describe('The highest clock.'),
      })
      .describe('Its processors.'),
    memory: z
      .strictObject({
        type: z.string().describe('Such as `DDR4`.'),
        mhz: z.number().int().describe('Transfers a second, in millions.'),
      })
      .describe('Its memory modules.'),
    disk: z
      .strictObject({
        type: z.string().describe('`NVMe`, `SSD` or `HDD`.'),
        model: z.string().describe('As its maker calls it.'),
      })
      .describe('On which containers lie.'),
    network: z
      .strictObject({ mbps: z.number().int().describe('Megabits a second.') })
      .describe('The interface that leads to the internet.'),
  })
  .meta({
    id: 'Hardware',
    description: 'What a machine is made of, as its system tells; empty and 0 is what that does not.',
  })

/** A provider, as this gateway last heard of it. Sizes are text with a unit, such as `8Gi`. */
export const providerSchema = z
  .strictObject({
    id: z.string().describe('Its peer id.'),
    name: z.string().describe('What people call it; its own choice.'),
    type: z.literal('p2p').describe('How it is reached.'),
    status: z.enum(PROVIDER_STATUSES).describe('How it is: heard of, missed once, or missed for longer.'),
    version: z.string().describe('Of its program.'),
    endpoints: z.array(z.string()).describe('Multiaddrs.'),
    region: z.string().describe('Where it is, as it says.'),
    labels: z.record(z.string(), z.string()).describe('What jobs can ask for by `constraints.labels`.'),
    architecture: z.string().describe('Of its processor.'),
    platforms: z
      .array(z.string())
      .describe('What it runs by itself, such as `linux/amd64`; none where its version does not say.'),
    emulatedPlatforms: z.array(z.string()).describe('What it runs by emulation.'),
    isolations: z
      .array(
        z.strictObject({
          isolation: z.string().describe('`container`, `gvisor` or `vm`.'),
          priceFactor: z.number().describe('Of its prices, for jobs under it; the minimum stays as it is.'),
        }),
      )
      .describe(
        'Walls that it puts around jobs, first what jobs have that name none; none where its version does not say.',
      ),
    capacity: z
      .strictObject({ total: providerCapacitySchema, free: providerCapacitySchema })
      .describe('What it sells in all, and what of that nobody has.'),
    metrics: z
      .strictObject({
        latency: z.number().nullable().describe('Round trip in ms; null where it was not measured.'),
        uptime: z.number().describe('Seconds without a break, as it says itself.'),
        jobsCompleted: z.number().int().describe('Of your jobs.'),
        jobsFailed: z.number().int().describe('Of your jobs.'),
        costToDate: usd.describe('What your jobs cost there, and what is signed for your volumes there.'),
      })
      .describe('How near it is, and how your jobs fared there.'),
    pricing: z
      .strictObject({
        cpu: usd.describe('Per core-hour.'),
        memory: usd.describe('Per GB-hour.'),
        storage: usd.describe('Per GB-hour.'),
        gpu: usd.describe('Per GPU-hour, of models without a price of their own.'),
        network: usd.describe('Per GB.'),
        volume: usd.describe('Per GB-hour of a volume that stays, for the hours in which no job has it.'),
        minimum: usd.describe('Per job that ran, at least.'),
        currency: z.literal('USD').describe('Of all prices.'),
      })
      .describe('What it asks, in US dollars.'),
    hardware: hardwareSchema.nullable().describe('Null where its provider does not tell.'),
    measured: measuredSchema.nullable().describe('Null where its provider measured nothing.'),
    seen: seenSchema.nullable().describe('Null where your jobs measured nothing.'),
    capabilities: z.array(z.string()).describe('What it can do, such as `extend`.'),
    storageQuota: z
      .enum(['hard', 'measured'])
      .describe('Whether its engine holds containers to their storage, or their use is measured every few seconds.'),
    paused: z.string().nullable().describe('Why it takes no jobs; null while it does.'),
    createdAt: time.describe('First heard of.'),
    updatedAt: time.describe('Last heard of.'),
  })
  .meta({ id: 'Provider', description: 'A provider, as the gateway last heard of it.' })

/**
 * Answer of `GET /plugin-core/providers/{id}/status`. `latency` is the round trip in ms, null where it was not
 * measured.
 */
export const providerStatusSchema = z
  .strictObject({
    id: z.string().describe('Its peer id.'),
    status: z.enum(PROVIDER_STATUSES).describe('How it is: heard of, missed once, or missed for longer.'),
    latency: z.number().nullable().describe('Round trip in ms; null where it was not measured.'),
    lastChecked: time.describe('When it was last heard of.'),
    version: z.string().describe('Of its program.'),
    nodeCount: z.number().int().describe('Machines behind it.'),
    networkLoad: z
      .strictObject({
        cpu: z.number().describe('Of its cores.'),
        memory: z.number().describe('Of its memory.'),
        storage: z.number().describe('Of its storage.'),
      })
      .describe('Percent of its capacity that is taken, 0 to 100.'),
  })
  .meta({ id: 'ProviderStatus', description: 'Whether a provider is there, and how busy.' })

/** A network: the sum of its providers, and how many of the asker’s jobs are in each status. */
export const networkSchema = z
  .strictObject({
    name: z.string().describe('What people call it; its own choice.'),
    type: z.literal('p2p').describe('How it is reached.'),
    status: z.enum(PROVIDER_STATUSES).describe('How it is: heard of, missed once, or missed for longer.'),
    providers: z
      .strictObject({
        online: z.number().int().describe('Heard of.'),
        degraded: z.number().int().describe('Missed once.'),
        offline: z.number().int().describe('Missed for longer.'),
        total: z.number().int().describe('All of them.'),
      })
      .describe('How many there are, by status.'),
    peers: z.number().int().describe('Peers this gateway is connected to.'),
    capacity: z
      .strictObject({ total: capacitySchema, free: capacitySchema })
      .describe('What all that are not offline sell together, and what of that nobody has.'),
    priceRange: z
      .strictObject({
        cpu: z
          .strictObject({ min: usd.describe('The lowest.'), max: usd.describe('The highest.') })
          .describe('US dollars per core-hour.'),
        memory: z
          .strictObject({ min: usd.describe('The lowest.'), max: usd.describe('The highest.') })
          .describe('US dollars per GB-hour.'),
      })
      .nullable()
      .describe('Of providers that are online; null where none is.'),
    jobs: jobCountsSchema.describe('How many of your jobs are in each status.'),
    join: z
      .strictObject({
        network: z.string().describe('The market’s name, for `--network`.'),
        private: z.boolean().describe('Whether its key is needed as well, for `--network-key`.'),
        addresses: z.array(z.string()).describe('Multiaddrs of this gateway’s peer, for `--bootstrap`.'),
      })
      .describe('What `cortex agent` is given to sell on it.'),
  })
  .meta({ id: 'Network', description: 'The sum of its providers, and how many of your jobs are in each status.' })

const GPUS = [{ ...GPU_EXAMPLE, pricePerHour: 0.5 }]
const CAPACITY = { cpu: 4000, memory: '8Gi', storage: '100Gi', gpu: 2 }
/** A {@link providerSchema} for the API’s document. */
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
  platforms: ['linux/amd64', 'linux/386'],
  emulatedPlatforms: [],
  isolations: [
    { isolation: 'container', priceFactor: 1 },
    { isolation: 'gvisor', priceFactor: 1.2 },
  ],
  capacity: { total: { ...CAPACITY, gpu: GPUS }, free: { ...CAPACITY, gpu: GPUS } },
  metrics: { latency: 12, uptime: 86_400, jobsCompleted: 156, jobsFailed: 3, costToDate: 4.5 },
  pricing: { cpu: 0.02, memory: 0.01, storage: 0.001, gpu: 0.5, network: 0, volume: 0, minimum: 0, currency: 'USD' },
  hardware: {
    cpu: { model: 'AMD EPYC 7B13', cores: 8, threads: 16, mhz: 3_500 },
    memory: { type: 'DDR4', mhz: 3_200 },
    disk: { type: 'NVMe', model: 'Samsung PM9A3' },
    network: { mbps: 10_000 },
  },
  measured: {
    ...{ cpuSingle: 1_310, cpuAll: 10_100, memoryBandwidth: 11_800_000_000 },
    ...{ diskRead: 2_900_000_000, diskWrite: 1_400_000_000, iops: 182_000 },
    ...{ at: '2026-01-29T03:00:00.000Z', method: 'cortex-1' },
  },
  seen: null,
  capabilities: ['extend', 'storage-quota'],
  storageQuota: 'hard',
  paused: null,
  createdAt: '2026-01-01T10:00:00.000Z',
  updatedAt: '2026-01-31T12:00:00.000Z',
}

/** A {@link networkSchema} for the API’s document. */
export const NETWORK_EXAMPLE: z.input<typeof networkSchema> = {
  name: 'p2p',
  type: 'p2p',
  status: 'online',
  providers: { online: 2, degraded: 0, offline: 1, total: 3 },
  peers: 3,
  capacity: { total: CAPACITY, free: CAPACITY },
  priceRange: { cpu: { min: 0.02, max: 0.03 }, memory: { min: 0.01, max: 0.02 } },
  jobs: { pending: 0, scheduled: 0, running: 1, completed: 156, failed: 3, cancelled: 2 },
  join: {
    network: 'main',
    private: false,
    addresses: ['/ip4/192.0.2.1/tcp/13100/p2p/12D3KooWLRPJAA5o6hXTtrMzJLzLQ3n5pCHnQ6cMPdZqxQ7KfHnA'],
  },
}
