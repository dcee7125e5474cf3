import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { create, type DescMessage, fromJson, type JsonValue, toBinary, toJson } from '@bufbuild/protobuf'
import fc from 'fast-check'
import {
  decode,
  encode,
  fromWirePrices,
  fromWireResources,
  requirementsDigest,
  toWireResources,
} from '../../protocol/codec.ts'
import * as market from '../../protocol/gen/cortex/v1/market_pb.js'
import { MAX_MESSAGE_FIELDS } from '../../protocol/limits.ts'
import { WireError } from '../../protocol/wire-error.ts'

const SCHEMAS: DescMessage[] = market.file_cortex_v1_market.messages

interface Golden {
  type: string
  json: JsonValue
  hex: string
  /** The same fields in another order, which means the same. */
  reordered?: string
}
const golden: { messages: Golden[] } = JSON.parse(
  readFileSync(new URL('fixtures/messages.json', import.meta.url), 'utf8'),
)

const MAX_BYTES = 1 << 20

function schemaOf(type: string): DescMessage {
  const schema = SCHEMAS.find((candidate) => candidate.typeName === type)
  assert.ok(schema, type)
  return schema
}

/** Decoding answers or throws a WireError, and nothing else. */
function assertDecodes(schema: DescMessage, bytes: Uint8Array): void {
  try {
    decode(schema, bytes, MAX_BYTES)
  } catch (error) {
    assert.ok(error instanceof WireError, `${schema.name} threw ${String(error)}`)
  }
}

describe('golden messages', () => {
  golden.messages.forEach(({ type, json, hex, reordered = hex }, index) => {
    it(`${type} (${index})`, () => {
      const schema = schemaOf(type)
      assert.equal(Buffer.from(toBinary(schema, fromJson(schema, json))).toString('hex'), hex)
      for (const encoded of [hex, reordered]) {
        assert.deepEqual(toJson(schema, decode(schema, Buffer.from(encoded, 'hex'), MAX_BYTES)), json)
      }
    })
  })

  it('are there for every message that peers send', () => {
    const parts = [
      'Resources',
      'Prices',
      'Volume',
      'Port',
      'RegistryCredentials',
      'Input',
      'SentImage',
      'Output',
      'Job',
      'Decline',
      'Release',
      'IsolationOffer',
      'KeptVolumeRequirement',
      'Missing',
      'WantedBlobs',
    ]
    const reports = ['Heartbeat', 'Report', 'LogBatch', 'LogLine', 'Stats']
    const covered = new Set(golden.messages.map(({ type }) => type.replace('cortex.v1.', '')))
    const missing = SCHEMAS.map((schema) => schema.name).filter((name) => !covered.has(name))
    assert.deepEqual(missing.sort(), [...parts, ...reports].sort())
  })
})

describe('decode', () => {
  it('looks at the size before the content', () => {
    const bytes = new Uint8Array(101).fill(0xff)
    assert.throws(() => decode(market.BidSchema, bytes, 100), { name: 'WireError', code: 'TOO_LARGE' })
    assert.throws(() => decode(market.BidSchema, bytes.subarray(1), 100), { name: 'WireError', code: 'MALFORMED' })
  })

  it('refuses a small message that would become a large heap', () => {
    const cases: [DescMessage, field: number[]][] = [
      [market.DirectoryReplySchema, [0x0a, 0]],
      [market.JobSchema, [0x42, 0]],
      [market.JobSchema, [0x12, 0]],
      [market.JobSchema, [0x22, 0]],
      [market.LogBatchSchema, [0x12, 0]],
      [market.BidSchema, [0x38, 0]],
    ]
    for (const [schema, field] of cases) {
      const most = Buffer.alloc(MAX_MESSAGE_FIELDS * 2, Buffer.from(field))
      decode(schema, most, MAX_BYTES)
      assert.throws(() => decode(schema, Buffer.concat([most, Buffer.from(field)]), MAX_BYTES), { code: 'TOO_LARGE' })
    }
  })

  it('counts the fields of inner messages', () => {
    const lines = Array.from({ length: MAX_MESSAGE_FIELDS / 2 }, () => ({ line: 'x' }))
    const report = { sequence: 1n, content: { case: 'logs' as const, value: { firstLine: 1n, lines } } }
    const bytes = encode(market.LeaseMessageSchema, { content: { case: 'report', value: report } })
    assert.throws(() => decode(market.LeaseMessageSchema, bytes, MAX_BYTES), { code: 'TOO_LARGE' })
  })

  it('drops fields that it does not know', () => {
    const known = encode(market.AwardReplySchema, { accepted: true })
    const bid = decode(market.AwardReplySchema, Buffer.concat([known, Buffer.from([0xfa, 0x7f, 2, 1, 2])]), MAX_BYTES)
    assert.deepEqual(bid, create(market.AwardReplySchema, { accepted: true }))
  })

  const malformed: [name: string, bytes: Uint8Array][] = [
    ['a field cut short', Uint8Array.of(0x0a, 5, 1)],
    ['a length beyond the end', Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f)],
    ['a tag without end', new Uint8Array(20).fill(0xff)],
    ['text that is no UTF-8', Uint8Array.of(0x0a, 2, 0xff, 0xfe)],
    ['groups in groups without end', new Uint8Array(500_000).fill(0x63)],
    ['field number 0', Uint8Array.of(0x02, 0)],
  ]
  for (const [name, bytes] of malformed) {
    it(`refuses ${name}`, () => {
      assert.throws(() => decode(market.JobSchema, bytes, MAX_BYTES), { name: 'WireError', code: 'MALFORMED' })
    })
  }

  it('throws WireError and nothing else, for any bytes', () => {
    const schema = fc.constantFrom(...SCHEMAS)
    fc.assert(fc.property(schema, fc.uint8Array({ maxLength: 300 }), assertDecodes), { numRuns: 2000 })
  })

  it('throws WireError and nothing else, for good messages cut, mixed or changed', () => {
    const message = fc.constantFrom(...golden.messages.filter(({ hex }) => hex !== ''))
    const change = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), to: fc.integer({ min: 0, max: 255 }) })
    fc.assert(
      fc.property(message, fc.array(change, { maxLength: 4 }), fc.boolean(), ({ type, hex }, changes, cut) => {
        const bytes = Buffer.from(hex, 'hex')
        for (const { at, to } of changes) bytes[Math.min(bytes.length - 1, Math.floor(at * bytes.length))] = to
        const last = changes[0]?.at ?? 1
        assertDecodes(schemaOf(type), cut ? bytes.subarray(0, Math.floor(last * bytes.length)) : bytes)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('amounts on the wire', () => {
  it('come back as they were sent', () => {
    const resources = fc.record(
      { cpuMillis: fc.nat(), memoryBytes: fc.maxSafeNat(), storageBytes: fc.maxSafeNat(), gpu: fc.nat() },
      { noNullPrototype: true },
    )
    fc.assert(
      fc.property(resources, (amounts) => {
        const bytes = encode(market.ResourcesSchema, toWireResources(amounts))
        assert.deepEqual(fromWireResources(decode(market.ResourcesSchema, bytes, MAX_BYTES)), amounts)
      }),
    )
  })

  it('are nothing where nothing is said', () => {
    assert.deepEqual(fromWireResources(undefined), { cpuMillis: 0, memoryBytes: 0, storageBytes: 0, gpu: 0 })
    assert.deepEqual(Object.values(fromWirePrices(undefined)), Array(7).fill(0n))
  })

  it('are refused beyond what a number holds exactly', () => {
    const most = create(market.ResourcesSchema, { memoryBytes: 2n ** 53n - 1n })
    assert.equal(fromWireResources(most).memoryBytes, Number.MAX_SAFE_INTEGER)
    for (const memoryBytes of [2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]) {
      const beyond = create(market.ResourcesSchema, { memoryBytes })
      assert.throws(() => fromWireResources(beyond), { code: 'INVALID_FIELD', field: 'memory_bytes' })
    }
  })
})

describe('requirementsDigest', () => {
  it('is SHA-256', () => {
    const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
    assert.equal(Buffer.from(requirementsDigest(new Uint8Array())).toString('hex'), empty)
  })
})
