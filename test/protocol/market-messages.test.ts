import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { DescMessage, MessageInitShape } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { encode } from '../../protocol/codec.ts'
import {
  AnnouncementSchema,
  AwardSchema,
  BidSchema,
  JobRequestSchema,
  ReceiptSchema,
  RequirementsSchema,
  type SignedStatement,
  SignedStatementSchema,
} from '../../protocol/gen/cortex/v1/market_pb.js'
import { MAX_CLOCK_DIFFERENCE_MS, MAX_GOSSIP_BYTES, MAX_PRICE_NANO_USD } from '../../protocol/limits.ts'
import {
  checkAnnouncement,
  checkAward,
  checkBid,
  checkReceipt,
  readAnnouncement,
  readRequest,
  readRequirements,
} from '../../protocol/market-messages.ts'
import { type StatementKind, signStatement } from '../../protocol/statements.ts'
import { WireError, type WireErrorCode } from '../../protocol/wire-error.ts'
import {
  ANNOUNCEMENT,
  AWARD,
  BID,
  bytes,
  NETWORK,
  NOW_MS,
  provider,
  RECEIPT,
  REQUEST,
  REQUIREMENTS,
  requester,
  stranger,
  type TestPeer,
} from './samples.ts'

const ESCAPE = '\u001b[2J'
const U64 = 2n ** 64n - 1n
const U32 = 2 ** 32 - 1
const OVER = MAX_PRICE_NANO_USD + 1n

/** What is changed in a good message, and the field that the refusal names. */
type Bad<D extends DescMessage> = [field: string, change: MessageInitShape<D>]

function assertInvalid(action: () => unknown, field: string, name: string): void {
  assert.throws(action, { name: 'WireError', code: 'INVALID_FIELD', field }, name)
}

async function assertRejects(
  action: Promise<unknown>,
  expected: { code: WireErrorCode; field?: string },
  name?: string,
): Promise<void> {
  await assert.rejects(action, { name: 'WireError', ...expected }, name)
}

const BAD_LABELS: Record<string, string>[] = [
  Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, ''])),
  { ['k'.repeat(129)]: '' },
  { k: 'v'.repeat(129) },
  { k: ESCAPE },
  { [ESCAPE]: 'v' },
]
const BAD_ADDRESSES: string[][] = [
  Array(17).fill('/ip4/127.0.0.1/tcp/1'),
  [`/${'a'.repeat(256)}`],
  ['127.0.0.1'],
  [''],
  ['/ip4/127.0.0.1/tcp/1\n'],
  [`/${ESCAPE}`],
]

/** Statements of one kind: how to sign a good one with a change, and how it is read. */
function kindOf<D extends DescMessage>(
  kind: StatementKind,
  schema: D,
  good: MessageInitShape<D>,
  signer: TestPeer,
  open: (statement: SignedStatement, network: string) => Promise<unknown>,
) {
  const sign = (change: MessageInitShape<D> = {} as MessageInitShape<D>, key = signer.key) =>
    signStatement(kind, encode(schema, { ...good, ...change }), key)
  return { kind, sign, open }
}

const announcement = kindOf('announcement', AnnouncementSchema, ANNOUNCEMENT, provider, checkAnnouncement)
const bid = kindOf('bid', BidSchema, BID, provider, checkBid)
const award = kindOf('award', AwardSchema, AWARD, requester, checkAward)
const receipt = kindOf('receipt', ReceiptSchema, RECEIPT, provider, checkReceipt)

describe('every statement', () => {
  for (const { kind, sign, open } of [announcement, bid, award, receipt]) {
    it(`${kind}: a good one is taken`, async () => assert.ok(await open(await sign(), NETWORK)))

    it(`${kind}: one that names another peer than its signer is refused`, async () => {
      await assertRejects(open(await sign({}, stranger.key), NETWORK), { code: 'WRONG_SIGNER' })
    })

    it(`${kind}: one signed as another kind is refused`, async () => {
      for (const other of [announcement, bid, award, receipt].filter((candidate) => candidate.kind !== kind)) {
        await assertRejects(open(await other.sign(), NETWORK), { code: 'BAD_SIGNATURE' }, other.kind)
      }
    })

    it(`${kind}: signed rubbish is refused`, async () => {
      await assertRejects(open(await signStatement(kind, bytes(40, 0xff), provider.key), NETWORK), {
        code: 'MALFORMED',
      })
      const long = await signStatement(kind, bytes(2 ** 21, 0), provider.key)
      await assertRejects(open(long, NETWORK), { code: 'TOO_LARGE' })
    })

    it(`${kind}: signed bytes answer or throw WireError, whatever they are`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (payload) => {
          const statement = await signStatement(kind, Uint8Array.from(payload), provider.key)
          await assert.rejects(open(statement, NETWORK), (error) => error instanceof WireError)
        }),
      )
    })
  }

  for (const { kind, sign, open } of [announcement, bid, award]) {
    it(`${kind}: one for another network is refused`, async () => {
      await assertRejects(open(await sign(), 'other'), { code: 'WRONG_NETWORK' })
    })
  }
})

describe('announcements', () => {
  it('come back as they were sent, in base units', async () => {
    const read = await readAnnouncement(encode(SignedStatementSchema, await announcement.sign()), NETWORK)
    assert.deepEqual(read, {
      provider: provider.id,
      name: 'shed',
      incarnation: NOW_MS - 60_000,
      sequence: 4,
      intervalMs: 15_000,
      gpus: [],
      measured: null,
      hardware: null,
      ...{ platforms: [], emulatedPlatforms: [], isolations: [] },
      total: { cpuMillis: 8000, memoryBytes: 16 * 2 ** 30, storageBytes: 100 * 2 ** 30, gpu: 1 },
      free: { cpuMillis: 7500, memoryBytes: 15 * 2 ** 30, storageBytes: 90 * 2 ** 30, gpu: 1 },
      prices: ANNOUNCEMENT.prices,
      region: 'eu',
      labels: { disk: 'ssd' },
      capabilities: ['extend', 'gpu'],
      version: '0.1.0',
      architecture: 'amd64',
      addresses: ANNOUNCEMENT.addresses,
      uptimeSeconds: 60,
      pausedReason: '',
      impaired: false,
      jobsCompleted: 12,
      jobsFailed: 1,
    })
  })

  it('are refused where they are too large for gossip', async () => {
    await assertRejects(readAnnouncement(new Uint8Array(MAX_GOSSIP_BYTES + 1), NETWORK), { code: 'TOO_LARGE' })
  })

  const bad: Bad<typeof AnnouncementSchema>[] = [
    ['interval_ms', { intervalMs: 999 }],
    ['interval_ms', { intervalMs: 3_600_001 }],
    ['name', { name: 'a'.repeat(257) }],
    ['name', { name: ESCAPE }],
    ['name', { name: 'a\u202eb' }],
    ['region', { region: ESCAPE }],
    ['version', { version: '1\n2' }],
    ['architecture', { architecture: '\0' }],
    ['paused_reason', { pausedReason: 'a'.repeat(257) }],
    ['capabilities', { capabilities: Array(33).fill('a') }],
    ['capabilities', { capabilities: ['a'.repeat(129)] }],
    ['capabilities', { capabilities: [ESCAPE] }],
    ...BAD_ADDRESSES.map((addresses): Bad<typeof AnnouncementSchema> => ['addresses', { addresses }]),
    ...BAD_LABELS.map((labels): Bad<typeof AnnouncementSchema> => ['labels', { labels }]),
    ['memory_bytes', { total: { memoryBytes: U64 } }],
    ['storage_bytes', { free: { storageBytes: 2n ** 53n } }],
    ['free', { total: { cpuMillis: 1 }, free: { cpuMillis: 2 } }],
    ['free', { total: { cpuMillis: 1 }, free: { gpu: 1 } }],
    ['prices', { prices: { cpuPerCoreHour: OVER } }],
    ['prices', { prices: { networkPerGb: U64 } }],
    ['prices', { prices: { minimumPerJob: OVER } }],
    ['incarnation', { incarnation: U64 }],
    ['sequence', { sequence: U64 }],
    ['uptime_seconds', { uptimeSeconds: U64 }],
    ['jobs_completed', { jobsCompleted: U64 }],
    ['jobs_failed', { jobsFailed: U64 }],
  ]
  bad.forEach(([field, change], index) => {
    it(`are refused naming ${field} (case ${index})`, async () => {
      const statement = await announcement.sign(change)
      await assertRejects(checkAnnouncement(statement, NETWORK), { code: 'INVALID_FIELD', field })
    })
  })
})

const request = (change: MessageInitShape<typeof JobRequestSchema> = {}): Uint8Array =>
  encode(JobRequestSchema, { ...REQUEST, requirements: encode(RequirementsSchema, REQUIREMENTS), ...change })

describe('requests', () => {
  it('come back as they were sent', () => {
    const read = readRequest(request(), NETWORK, NOW_MS)
    assert.deepEqual(read, {
      requestId: bytes(16, 7),
      requirements: readRequirements(encode(RequirementsSchema, REQUIREMENTS)),
      requirementsBytes: encode(RequirementsSchema, REQUIREMENTS),
      bidWindowMs: 1000,
      samplePerMillion: 1_000_000,
      ...{ takesMinimumCharge: true, takesVolumePrice: false },
      stamp: new Uint8Array(),
      traceparent: '',
      addresses: REQUEST.addresses,
    })
  })

  it('are refused on another network, too large or malformed', () => {
    assert.throws(() => readRequest(request(), 'other', NOW_MS), { code: 'WRONG_NETWORK' })
    assert.throws(() => readRequest(new Uint8Array(MAX_GOSSIP_BYTES + 1), NETWORK, NOW_MS), { code: 'TOO_LARGE' })
    assert.throws(() => readRequest(bytes(9, 0xff), NETWORK, NOW_MS), { code: 'MALFORMED' })
    assert.throws(() => readRequest(request({ requirements: bytes(9, 0xff) }), NETWORK, NOW_MS), { code: 'MALFORMED' })
  })

  it('are taken within the widest difference of two clocks, and refused beyond it', () => {
    for (const sign of [-1, 1]) {
      readRequest(request(), NETWORK, NOW_MS + sign * MAX_CLOCK_DIFFERENCE_MS)
      const beyond = NOW_MS + sign * (MAX_CLOCK_DIFFERENCE_MS + 1)
      assert.throws(() => readRequest(request(), NETWORK, beyond), { code: 'STALE' }, `${sign}`)
    }
  })

  const bad: Bad<typeof JobRequestSchema>[] = [
    ['request_id', { requestId: bytes(15, 1) }],
    ['request_id', { requestId: bytes(17, 1) }],
    ['created_at_ms', { createdAtMs: U64 }],
    ['bid_window_ms', { bidWindowMs: 0 }],
    ['bid_window_ms', { bidWindowMs: 60_001 }],
    ['sample_per_million', { samplePerMillion: 0 }],
    ['sample_per_million', { samplePerMillion: 1_000_001 }],
    ...BAD_ADDRESSES.map((addresses): Bad<typeof JobRequestSchema> => ['addresses', { addresses }]),
    ['cpu_millis', { requirements: new Uint8Array() }],
  ]
  bad.forEach(([field, change], index) => {
    it(`are refused naming ${field} (case ${index})`, () => {
      assertInvalid(() => readRequest(request(change), NETWORK, NOW_MS), field, field)
    })
  })

  it('answer or throw WireError, for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (any) => {
        assert.throws(
          () => readRequest(request({ requirements: Uint8Array.from(any) }), NETWORK, NOW_MS),
          (error) => error instanceof WireError,
        )
      }),
    )
  })
})

const withResources = (resources: object): MessageInitShape<typeof RequirementsSchema> =>
  ({ ...REQUIREMENTS, resources }) as MessageInitShape<typeof RequirementsSchema>

describe('requirements', () => {
  const resources = { cpuMillis: 500, memoryBytes: 2n ** 29n, storageBytes: 2n ** 30n, gpu: 0 }
  const bad: Bad<typeof RequirementsSchema>[] = [
    ['cpu_millis', { resources: { ...resources, cpuMillis: 9 } }],
    ['cpu_millis', { resources: { ...resources, cpuMillis: U32 } }],
    ['memory_bytes', { resources: { ...resources, memoryBytes: 6n * 2n ** 20n - 1n } }],
    ['memory_bytes', { resources: { ...resources, memoryBytes: 64n * 2n ** 40n + 1n } }],
    ['memory_bytes', { resources: { ...resources, memoryBytes: U64 } }],
    ['storage_bytes', { resources: { ...resources, storageBytes: 0n } }],
    ['storage_bytes', { resources: { ...resources, storageBytes: 64n * 2n ** 40n + 1n } }],
    ['gpu', { resources: { ...resources, gpu: 65 } }],
    ['duration_seconds', { durationSeconds: 0 }],
    ['duration_seconds', { durationSeconds: U32 }],
    ['image', { image: '' }],
    ['image', { image: 'UPPER' }],
    ['image', { image: 'a b' }],
    ['image', { image: '--privileged' }],
    ['image', { image: `a${ESCAPE}` }],
    ['image', { image: 'a'.repeat(513) }],
    ['max_price_per_hour', { maxPricePerHour: OVER }],
    ['max_price_per_hour', { maxPricePerHour: U64 }],
    ['region', { region: ESCAPE }],
    ['region', { region: 'a'.repeat(257) }],
    ...BAD_LABELS.map((labels): Bad<typeof RequirementsSchema> => ['labels', { labels }]),
    ['capabilities', { capabilities: Array(33).fill('a') }],
    ['provider', { provider: 'somebody' }],
  ]
  bad.forEach(([field, change], index) => {
    it(`are refused naming ${field} (case ${index})`, () => {
      const encoded = encode(RequirementsSchema, { ...REQUIREMENTS, ...change } as MessageInitShape<
        typeof RequirementsSchema
      >)
      assertInvalid(() => readRequirements(encoded), field, field)
    })
  })

  it('are refused with a label called __proto__', () => {
    const encoded = Buffer.from(encode(RequirementsSchema, { ...REQUIREMENTS, labels: { aaaaaaaaa: 'x' } }))
    encoded.write('__proto__', encoded.indexOf('aaaaaaaaa'))
    assertInvalid(() => readRequirements(encoded), 'labels', 'labels')
  })

  it('take every amount at its bounds', () => {
    const least = { cpuMillis: 10, memoryBytes: 6n * 2n ** 20n, storageBytes: 1n, gpu: 0 }
    const most = { cpuMillis: 1_024_000, memoryBytes: 2n ** 46n, storageBytes: 2n ** 46n, gpu: 64 }
    for (const amounts of [least, most]) {
      const read = readRequirements(encode(RequirementsSchema, withResources(amounts)))
      assert.equal(BigInt(read.resources.memoryBytes), amounts.memoryBytes)
    }
  })
})

describe('bids', () => {
  const bad: Bad<typeof BidSchema>[] = [
    ['request_id', { requestId: new Uint8Array() }],
    ['bid_id', { bidId: bytes(17, 1) }],
    ['requirements_digest', { requirementsDigest: bytes(31, 1) }],
    ['requester', { requester: '' }],
    ['price_per_hour', { pricePerHour: OVER }],
    ['price_per_hour', { pricePerHour: U64 }],
    ['valid_for_ms', { validForMs: 0 }],
    ['valid_for_ms', { validForMs: U32 }],
    ['memory_bytes', { free: { memoryBytes: U64 } }],
    ['uptime_seconds', { uptimeSeconds: U64 }],
  ]
  bad.forEach(([field, change], index) => {
    it(`are refused naming ${field} (case ${index})`, async () => {
      await assertRejects(checkBid(await bid.sign(change), NETWORK), { code: 'INVALID_FIELD', field })
    })
  })
})

describe('awards', () => {
  const bad: Bad<typeof AwardSchema>[] = [
    ['request_id', { requestId: bytes(15, 1) }],
    ['bid_id', { bidId: bytes(15, 1) }],
    ['requirements_digest', { requirementsDigest: bytes(33, 1) }],
    ['provider', { provider: 'me' }],
    ['job_id', { jobId: '../../etc' }],
    ['fence', { fence: 0 }],
    ['price_per_hour', { pricePerHour: OVER }],
    ['on_disconnect', { onDisconnect: '' }],
    ['on_disconnect', { onDisconnect: 'constructor' }],
    ['lease_timeout_ms', { onDisconnect: 'stop', leaseTimeoutMs: 9_999 }],
    ['lease_timeout_ms', { onDisconnect: 'stop', leaseTimeoutMs: 3_600_001 }],
    ['lease_timeout_ms', { leaseTimeoutMs: U32 }],
    ...BAD_ADDRESSES.map((addresses): Bad<typeof AwardSchema> => ['addresses', { addresses }]),
  ]
  bad.forEach(([field, change], index) => {
    it(`are refused naming ${field} (case ${index})`, async () => {
      await assertRejects(checkAward(await award.sign(change), NETWORK), { code: 'INVALID_FIELD', field })
    })
  })

  it('may leave the lease timeout out where the job runs on without its requester', async () => {
    assert.ok(await checkAward(await award.sign({ leaseTimeoutMs: 0 }), NETWORK))
  })
})

describe('receipts', () => {
  it('are taken from either side, and say which', async () => {
    assert.equal((await checkReceipt(await receipt.sign())).signer, provider.id)
    assert.equal((await checkReceipt(await receipt.sign({}, requester.key))).signer, requester.id)
  })

  const bad: Bad<typeof ReceiptSchema>[] = [
    ['requester', { requester: '' }],
    ['job_id', { jobId: 'job_' }],
    ['fence', { fence: 0 }],
    ['requirements_digest', { requirementsDigest: new Uint8Array() }],
    ['price_per_hour', { pricePerHour: U64 }],
    ['metered_seconds', { meteredSeconds: U64 }],
    ['cost_nano_usd', { costNanoUsd: 6_101_695n }],
    ['cost_nano_usd', { meteredSeconds: 3600n }],
    ['cost_nano_usd', { minimumCharge: 6_101_695n }],
    ['cost_nano_usd', { minimumCharge: 7n, meteredSeconds: 0n, costNanoUsd: 7n }],
    ['minimum_charge', { minimumCharge: OVER, costNanoUsd: OVER }],
    ['started_at_ms', { startedAtMs: 8_640_000_000_000_001n }],
    ['ended_at_ms', { endedAtMs: U64 }],
    ['network', { network: ESCAPE }],
    ['outcome', { outcome: ESCAPE }],
  ]
  bad.forEach(([field, change], index) => {
    it(`are refused naming ${field} (case ${index})`, async () => {
      await assertRejects(checkReceipt(await receipt.sign(change)), { code: 'INVALID_FIELD', field })
    })
  })
})
