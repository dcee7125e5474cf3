import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { GpuRequirements } from '../../../protocol/gpus.ts'
import type { Requirements } from '../../../protocol/market-messages.ts'
import { NO_MINIMUMS } from '../../../protocol/measured.ts'
import { GIB, NO_RESOURCES } from '../../../protocol/units.ts'
import { type DeclineCode, type Offering, refusal, type Situation } from '../../../provider-agent/bidding/policy.ts'
import { PLAIN_WALL } from '../../../provider-agent/isolation/walls.ts'
import { ANY_GPU, aKind } from '../../support/gpus.ts'

const OFFERING: Offering = {
  region: 'eu',
  labels: { disk: 'ssd' },
  capabilities: ['extend'],
  maxDurationSeconds: 3_600,
  allowImages: [],
  denyImages: ['*miner*'],
  allowClients: [],
  denyClients: ['rude'],
  maxClientShare: 0.5,
  maxOpenBidsPerRequester: 4,
  platforms: ['linux/amd64', 'linux/386'],
  emulatedPlatforms: ['linux/arm64'],
  isolations: [PLAIN_WALL, { isolation: 'gvisor', runtime: 'runsc', factorMillis: 1_200 }],
}

const NOW: Situation = {
  total: { cpuMillis: 8_000, memoryBytes: 8 * GIB, storageBytes: 100 * GIB, gpu: 0 },
  free: { cpuMillis: 3_000, memoryBytes: 8 * GIB, storageBytes: 100 * GIB, gpu: 0 },
  gpus: [],
  terms: { pricePerHour: 10_000_000n, minimumCharge: 0n, pricePerGb: 0n, volumePerGbHour: 0n },
  takesMinimumCharge: true,
  uptimeSeconds: 100,
  paused: null,
  openForMs: Number.POSITIVE_INFINITY,
  heldBackMs: 0,
  figures: null,
  client: { peerId: 'polite', bids: 0, bidResources: NO_RESOURCES, resources: NO_RESOURCES, bidShare: 1 },
}

const WANTED: Requirements = {
  resources: { cpuMillis: 1_000, memoryBytes: GIB, storageBytes: GIB, gpu: 0 },
  image: 'busybox',
  durationSeconds: 60,
  maxPricePerHour: null,
  region: '',
  labels: {},
  capabilities: [],
  minUptimeSeconds: 0,
  provider: '',
  minimums: NO_MINIMUMS,
  platforms: [],
  imageDigest: '',
  isolation: '',
}

interface Case {
  name: string
  wanted?: Partial<Requirements>
  offering?: Partial<Offering>
  now?: Partial<Situation>
  code: DeclineCode | null
  message?: RegExp
}

const cpu = (cpuMillis: number) => ({ resources: { ...WANTED.resources, cpuMillis } })
const held = (cpuMillis: number) => ({ ...NO_RESOURCES, cpuMillis })
const gpus = (gpu: number, asked: Partial<GpuRequirements> = {}): Partial<Requirements> => ({
  resources: { ...WANTED.resources, gpu },
  ...(Object.keys(asked).length > 0 && { gpuRequirements: { ...ANY_GPU, ...asked } }),
})
/** Two H100, of which one is free, and a T4. */
const WITH_GPUS: Partial<Situation> = {
  total: { ...NOW.total, gpu: 3 },
  free: { ...NOW.free, gpu: 2 },
  gpus: [aKind({ count: 2, free: 1 }), aKind({ model: 'Tesla T4', memoryBytes: 15 * GIB, compute: '7.5', free: 1 })],
}
const WHOLE = { maxClientShare: 1 }
const VM = { isolation: 'vm', runtime: 'kata', factorMillis: 1_000 } as const

const FIGURES = { ...NO_MINIMUMS, cpuSingle: 1_200, diskRead: 900_000_000 }

const CASES: Case[] = [
  { name: 'as fast as is asked', wanted: { minimums: FIGURES }, now: { figures: FIGURES }, code: null },
  {
    name: 'slower than is asked',
    wanted: { minimums: { ...NO_MINIMUMS, diskRead: 1_000_000_000 } },
    now: { figures: FIGURES },
    code: 'TOO_SLOW',
    message: /does 900\.0 MB\/s \(diskRead\), 1000\.0 MB\/s asked: ask for less by minDiskRead, or leave it out$/,
  },
  {
    name: 'a speed where nothing was measured',
    wanted: { minimums: { ...NO_MINIMUMS, iops: 1 } },
    code: 'TOO_SLOW',
    message: /has not measured its machine \(iops\), 1 IOPS asked: ask for less by minIops, or leave it out$/,
  },
  {
    name: 'a speed where it sells no measured machine',
    wanted: { capabilities: ['measured'] },
    code: 'CAPABILITY_MISSING',
    message: /does not offer measured: leave out minCpuScore and the other minimums of speed, or ask another provider$/,
  },
  { name: 'a job that fits', code: null },
  { name: 'its own platform', wanted: { platforms: ['linux/arm64', 'linux/amd64'] }, code: null },
  { name: 'one that its processor runs, too', wanted: { platforms: ['linux/386'] }, code: null },
  { name: 'one that it emulates', wanted: { platforms: ['linux/arm64'] }, code: null },
  {
    name: 'one that it does not run',
    wanted: { platforms: ['linux/s390x'] },
    code: 'PLATFORM_MISMATCH',
    message: /runs linux\/amd64, linux\/386, linux\/arm64, the image is for linux\/s390x/,
  },
  {
    name: 'before it knows what it runs',
    ...{ wanted: { platforms: ['linux/s390x'] }, offering: { platforms: [], emulatedPlatforms: [] }, code: null },
  },
  { name: 'walls that it offers', wanted: { isolation: 'gvisor' }, code: null },
  {
    name: 'too little memory for the kernel that it would have',
    wanted: { isolation: 'gvisor', resources: { cpuMillis: 10, memoryBytes: 16 * 2 ** 20, storageBytes: 1, gpu: 0 } },
    code: 'ISOLATION_MISMATCH',
    message: /starts jobs under gvisor with 24Mi or more, 16Mi asked/,
  },
  {
    name: 'walls that it does not offer',
    wanted: { isolation: 'vm' },
    code: 'ISOLATION_MISMATCH',
    message: /runs jobs under container, gvisor, vm asked/,
  },
  {
    name: 'before it knows which walls hold',
    ...{ wanted: { isolation: 'vm' }, offering: { isolations: [] }, code: null },
  },
  { name: 'exactly what is free', wanted: cpu(3_000), code: null },
  {
    name: 'one more than is free',
    wanted: cpu(3_001),
    code: 'INSUFFICIENT_CAPACITY',
    message: /3000m CPU free, 3001m CPU asked/,
  },
  {
    name: 'more than there ever is',
    wanted: cpu(8_001),
    code: 'OVER_TOTAL_CAPACITY',
    message: /8000m CPU in all, 8001m CPU asked/,
  },
  {
    name: 'a GPU where there is none',
    wanted: { resources: { ...WANTED.resources, gpu: 1 } },
    code: 'OVER_TOTAL_CAPACITY',
  },
  { name: 'any GPU', wanted: gpus(1), now: WITH_GPUS, offering: WHOLE, code: null },
  {
    name: 'a GPU of a model that is there',
    ...{ wanted: gpus(1, { models: ['h100'] }), now: WITH_GPUS, offering: WHOLE, code: null },
  },
  {
    name: 'a GPU under walls that were never tried with one',
    ...{ wanted: { ...gpus(1), isolation: 'gvisor' }, now: WITH_GPUS, offering: WHOLE },
    code: 'ISOLATION_MISMATCH',
    message: /gives no GPUs to jobs under gvisor: ask for isolation container, or leave out gpu/,
  },
  {
    name: 'a GPU under such walls, where there are no others',
    ...{ wanted: gpus(1), now: WITH_GPUS, offering: { ...WHOLE, isolations: [VM] } },
    code: 'ISOLATION_MISMATCH',
    message: /under vm: ask another provider, or leave out gpu/,
  },
  {
    name: 'a GPU under the walls of containers, beside others',
    ...{ wanted: { ...gpus(1), isolation: 'container' }, now: WITH_GPUS },
    ...{ offering: { ...WHOLE, isolations: [VM, PLAIN_WALL] }, code: null },
  },
  {
    name: 'a model that is not there',
    wanted: gpus(1, { models: ['rtx4090'] }),
    now: WITH_GPUS,
    code: 'GPU_MISMATCH',
    message:
      /has 2 NVIDIA H100 80GB HBM3 \(79\.6 GiB\), 1 Tesla T4 \(15 GiB\): rtx4090 asked, NVIDIA H100 80GB HBM3 there/,
  },
  {
    name: 'more VRAM than any has',
    wanted: gpus(1, { minMemoryBytes: 96 * GIB }),
    now: WITH_GPUS,
    code: 'GPU_MISMATCH',
    message: /96Gi VRAM asked, 79\.6 GiB there/,
  },
  {
    name: 'three of no one kind',
    wanted: gpus(3),
    now: WITH_GPUS,
    code: 'GPU_MISMATCH',
    message: /3 of one kind asked/,
  },
  {
    name: 'two of which one is free',
    wanted: gpus(2, { models: ['h100'] }),
    now: WITH_GPUS,
    code: 'INSUFFICIENT_CAPACITY',
    message: /has 1 NVIDIA H100 80GB HBM3 .* free, 2 asked/,
  },
  { name: 'a cap at the price', wanted: { maxPricePerHour: 10_000_000n }, code: null },
  {
    name: 'a cap below a minimum charge for so short a job',
    wanted: { maxPricePerHour: 10_000_000n, durationSeconds: 60 },
    now: { terms: { pricePerHour: 0n, minimumCharge: 166_667n, pricePerGb: 0n, volumePerGbHour: 0n } },
    code: 'PRICE_ABOVE_CAP',
    message: /at least \$0\.000166667 for 60 s, the cap is \$0\.01 an hour/,
  },
  {
    name: 'a cap that the minimum charge is within over the duration',
    wanted: { maxPricePerHour: 10_000_000n, durationSeconds: 60 },
    now: { terms: { pricePerHour: 10_000_000n, minimumCharge: 166_666n, pricePerGb: 0n, volumePerGbHour: 0n } },
    code: null,
  },
  {
    name: 'a minimum charge, asked by somebody who would not know it',
    now: {
      terms: { pricePerHour: 1n, minimumCharge: 1n, pricePerGb: 0n, volumePerGbHour: 0n },
      takesMinimumCharge: false,
    },
    code: 'MINIMUM_CHARGE_UNKNOWN',
    message: /update the requester/,
  },
  {
    name: 'a price of traffic, asked by somebody who does not say how much that may be',
    now: { terms: { pricePerHour: 1n, minimumCharge: 0n, pricePerGb: 10_000_000n, volumePerGbHour: 0n } },
    code: 'TRAFFIC_UNLIMITED',
    message: /asks \$0\.01 per GB of traffic: say how much it may be \(maxNetwork\)/,
  },
  {
    name: 'a cap that all of the traffic is within',
    wanted: { maxPricePerHour: 11_000_000n, durationSeconds: 3_600, maxNetworkBytes: GIB },
    now: { terms: { pricePerHour: 1_000_000n, minimumCharge: 0n, pricePerGb: 10_000_000n, volumePerGbHour: 0n } },
    code: null,
  },
  {
    name: 'a cap below that',
    wanted: { maxPricePerHour: 11_000_000n, durationSeconds: 3_600, maxNetworkBytes: 2 * GIB },
    now: { terms: { pricePerHour: 1_000_000n, minimumCharge: 0n, pricePerGb: 10_000_000n, volumePerGbHour: 0n } },
    code: 'PRICE_ABOVE_CAP',
    message: /asks \$0\.001 an hour and \$0\.01 per GB, the cap is \$0\.011 an hour/,
  },
  { name: 'somebody who would not know a minimum charge, and none', now: { takesMinimumCharge: false }, code: null },
  {
    name: 'a cap below the price',
    wanted: { maxPricePerHour: 9_999_999n },
    code: 'PRICE_ABOVE_CAP',
    message: /\$0\.01 an hour.*\$0\.009999999/,
  },
  { name: 'its region', wanted: { region: 'eu' }, code: null },
  { name: 'another region', wanted: { region: 'us' }, code: 'REGION_MISMATCH', message: /"eu", "us" asked/ },
  { name: 'its label', wanted: { labels: { disk: 'ssd' } }, code: null },
  {
    name: 'another value of a label',
    wanted: { labels: { disk: 'hdd' } },
    code: 'LABELS_MISMATCH',
    message: /disk=ssd, disk=hdd asked/,
  },
  { name: 'a label it has not', wanted: { labels: { gpu: 'a' } }, code: 'LABELS_MISMATCH', message: /no label gpu/ },
  {
    name: 'a label named like a method',
    wanted: { labels: { toString: 'x' } },
    code: 'LABELS_MISMATCH',
    message: /no label toString/,
  },
  { name: 'its capability', wanted: { capabilities: ['extend'] }, code: null },
  {
    name: 'a capability it has not',
    wanted: { capabilities: ['extend', 'volumes'] },
    code: 'CAPABILITY_MISSING',
    message: /offer volumes/,
  },
  { name: 'its uptime', wanted: { minUptimeSeconds: 100 }, code: null },
  { name: 'a longer uptime', wanted: { minUptimeSeconds: 101 }, code: 'MIN_UPTIME', message: /100s, 101s asked/ },
  { name: 'its longest duration', wanted: { durationSeconds: 3_600 }, code: null },
  {
    name: 'a longer duration',
    wanted: { durationSeconds: 3_601 },
    code: 'DURATION_TOO_LONG',
    message: /3600s, 3601s asked/,
  },
  { name: 'a denied image', wanted: { image: 'x/miner:1' }, code: 'IMAGE_NOT_ALLOWED', message: /x\/miner:1/ },
  { name: 'an image off the list', offering: { allowImages: ['alpine:*'] }, code: 'IMAGE_NOT_ALLOWED' },
  { name: 'an image on the list', offering: { allowImages: ['busy*'] }, code: null },
  {
    name: 'an image that is called as one on the list, and is sent',
    wanted: { capabilities: ['sent-images'] },
    offering: { allowImages: ['busy*'], capabilities: ['sent-images'] },
    code: 'IMAGE_NOT_ALLOWED',
    message: /this one is sent/,
  },
  { name: 'a denied client', now: { client: { ...NOW.client, peerId: 'rude' } }, code: 'CLIENT_NOT_ALLOWED' },
  {
    name: 'a denied client, whatever else is wrong',
    wanted: cpu(8_001),
    now: { client: { ...NOW.client, peerId: 'rude' } },
    code: 'CLIENT_NOT_ALLOWED',
  },
  { name: 'a client off the list', offering: { allowClients: ['friend'] }, code: 'CLIENT_NOT_ALLOWED' },
  { name: 'a client on the list', offering: { allowClients: ['friend', 'polite'] }, code: null },
  {
    name: 'a client on both lists',
    offering: { allowClients: ['polite'], denyClients: ['polite'] },
    code: 'CLIENT_NOT_ALLOWED',
  },
  {
    name: 'a paused provider',
    now: { paused: { code: 'DRAINING', message: 'is being drained' } },
    code: 'DRAINING',
    message: /drained/,
  },
  {
    name: 'what a paused provider never has',
    wanted: cpu(8_001),
    now: { paused: { code: 'DRAINING', message: '' } },
    code: 'OVER_TOTAL_CAPACITY',
  },
  {
    name: 'too many open bids',
    now: { client: { ...NOW.client, bids: 4 } },
    code: 'CLIENT_SHARE_EXCEEDED',
    message: /4 bids open/,
  },
  { name: 'up to its share', now: { client: { ...NOW.client, resources: held(3_000) } }, code: null },
  {
    name: 'over its share',
    now: { client: { ...NOW.client, resources: held(3_001) } },
    code: 'CLIENT_SHARE_EXCEEDED',
    message: /hold 4000m CPU, 4001m CPU with this job/,
  },
  {
    name: 'over the share of who lets bids lapse',
    now: { client: { ...NOW.client, bidResources: held(500), bidShare: 1 / 8 } },
    code: 'CLIENT_SHARE_EXCEEDED',
    message: /reserve 1000m CPU, 1500m CPU with this job/,
  },
]

describe('policy', () => {
  for (const { name, wanted, offering, now, code, message } of CASES) {
    it(`${code ?? 'takes'}: ${name}`, () => {
      const answer = refusal({ ...WANTED, ...wanted }, { ...OFFERING, ...offering }, { ...NOW, ...now })
      assert.equal(answer?.code ?? null, code)
      if (message !== undefined) assert.match(answer?.message ?? '', message)
    })
  }
})
