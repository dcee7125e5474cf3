/** Peers with fixed keys, and one good message of each kind, for the tests beside it. */

import { createPrivateKey, createPublicKey } from 'node:crypto'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import type {
  AnnouncementSchema,
  AwardSchema,
  BidSchema,
  JobRequestSchema,
  ReceiptSchema,
  RequirementsSchema,
} from '../../protocol/gen/cortex/v1/market_pb.js'

export const NETWORK = 'test'
export const NOW_MS = 1_750_000_000_000

export interface TestPeer {
  key: PrivateKey
  id: string
}

/** What PKCS #8 has before the bytes of an Ed25519 key. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The same peer for the same number, always; at once, so that whatever imports it can be loaded at once. */
function testPeer(number: number): TestPeer {
  const seed = Buffer.alloc(32, number)
  const pair = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' })
  const point = Buffer.from(createPublicKey(pair).export({ format: 'jwk' }).x ?? '', 'base64url')
  const key = privateKeyFromRaw(Buffer.concat([seed, point]))
  return { key, id: peerIdFromPrivateKey(key).toString() }
}

export const provider: TestPeer = testPeer(1)
export const requester: TestPeer = testPeer(2)
export const stranger: TestPeer = testPeer(3)

export const bytes = (length: number, value: number): Uint8Array<ArrayBuffer> => new Uint8Array(length).fill(value)

const GIB = 2n ** 30n

export const REQUIREMENTS = {
  resources: { cpuMillis: 500, memoryBytes: GIB / 2n, storageBytes: GIB, gpu: 0 },
  image: 'busybox:1.36',
  durationSeconds: 600,
  maxPricePerHour: 50_000_000n,
  region: 'eu',
  labels: { disk: 'ssd' },
  capabilities: ['extend'],
  minUptimeSeconds: 60,
  provider: '',
} satisfies MessageInitShape<typeof RequirementsSchema>

export const REQUEST = {
  network: NETWORK,
  requestId: bytes(16, 7),
  bidWindowMs: 1000,
  samplePerMillion: 1_000_000,
  addresses: [`/ip4/127.0.0.1/tcp/4001/p2p/${requester.id}`],
  createdAtMs: BigInt(NOW_MS),
  takesMinimumCharge: true,
} satisfies MessageInitShape<typeof JobRequestSchema>

export const ANNOUNCEMENT = {
  network: NETWORK,
  provider: provider.id,
  incarnation: BigInt(NOW_MS - 60_000),
  sequence: 4n,
  intervalMs: 15_000,
  total: { cpuMillis: 8000, memoryBytes: 16n * GIB, storageBytes: 100n * GIB, gpu: 1 },
  free: { cpuMillis: 7500, memoryBytes: 15n * GIB, storageBytes: 90n * GIB, gpu: 1 },
  prices: {
    cpuPerCoreHour: 10_000_000n,
    memoryPerGbHour: 2_000_000n,
    storagePerGbHour: 100_000n,
    gpuPerHour: 500_000_000n,
    networkPerGb: 0n,
    minimumPerJob: 1_000_000n,
    volumePerGbHour: 0n,
  },
  region: 'eu',
  labels: { disk: 'ssd' },
  capabilities: ['extend', 'gpu'],
  version: '0.1.0',
  architecture: 'amd64',
  addresses: [`/ip4/127.0.0.1/tcp/4002/p2p/${provider.id}`],
  uptimeSeconds: 60n,
  pausedReason: '',
  impaired: false,
  name: 'shed',
  jobsCompleted: 12n,
  jobsFailed: 1n,
} satisfies MessageInitShape<typeof AnnouncementSchema>

export const BID = {
  network: NETWORK,
  requestId: bytes(16, 7),
  requirementsDigest: bytes(32, 8),
  bidId: bytes(16, 9),
  provider: provider.id,
  requester: requester.id,
  pricePerHour: 6_100_000n,
  validForMs: 5000,
  free: { cpuMillis: 7000, memoryBytes: 14n * GIB, storageBytes: 89n * GIB, gpu: 1 },
  uptimeSeconds: 61n,
} satisfies MessageInitShape<typeof BidSchema>

export const AWARD = {
  network: NETWORK,
  requestId: bytes(16, 7),
  bidId: bytes(16, 9),
  requirementsDigest: bytes(32, 8),
  requester: requester.id,
  provider: provider.id,
  jobId: 'job_01jxrsyg00tsqatd5vbmd2eg9f',
  fence: 1,
  pricePerHour: 6_100_000n,
  onDisconnect: 'continue',
  leaseTimeoutMs: 60_000,
  addresses: [`/ip4/127.0.0.1/tcp/4001/p2p/${requester.id}`],
} satisfies MessageInitShape<typeof AwardSchema>

export const RECEIPT = {
  network: NETWORK,
  jobId: 'job_01jxrsyg00tsqatd5vbmd2eg9f',
  fence: 1,
  requester: requester.id,
  provider: provider.id,
  requirementsDigest: bytes(32, 8),
  pricePerHour: 6_100_000n,
  meteredSeconds: 3601n,
  costNanoUsd: 6_101_694n,
  startedAtMs: BigInt(NOW_MS),
  endedAtMs: BigInt(NOW_MS + 3_600_001),
  outcome: 'exited',
  exitCode: 0,
} satisfies MessageInitShape<typeof ReceiptSchema>
