import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type DescMessage, fromBinary } from '@bufbuild/protobuf'
import { encode } from '../../protocol/codec.ts'
import {
  AwardSchema,
  JobSchema,
  LeaseMessageSchema,
  LogBatchSchema,
  RequirementsSchema,
} from '../../protocol/gen/cortex/v1/market_pb.js'
import { hasMoreFields } from '../../protocol/wire-scan.ts'
import { AWARD, bytes } from './samples.ts'

/** How many fields the scan finds, by the highest number that they are more than. Padding makes it look at all. */
function fieldsOf(schema: DescMessage, encoded: Uint8Array): number {
  const padding = Uint8Array.from([0xfa, 0x7f, 0x80, 0x08, ...bytes(1024, 0)])
  const padded = Buffer.concat([encoded, padding])
  let count = 0
  while (hasMoreFields(schema, padded, count)) count++
  return count - 1
}

describe('hasMoreFields', () => {
  it('counts the fields of a message, of inner ones and of map entries', () => {
    const log = { timestampMs: 1n, line: 'x', stderr: true }
    const logs = { firstLine: 1n, lines: [log, log] }
    const report = { sequence: 1n, content: { case: 'logs' as const, value: logs } }
    const cases: [schema: DescMessage, encoded: Uint8Array, fields: number][] = [
      [JobSchema, new Uint8Array(), 0],
      [JobSchema, encode(JobSchema, { image: 'a', args: ['', ''] }), 3],
      [JobSchema, encode(JobSchema, { env: { A: 'b', C: 'd' } }), 6],
      [JobSchema, encode(JobSchema, { resources: { cpuMillis: 1, memoryBytes: 1n } }), 3],
      [LogBatchSchema, encode(LogBatchSchema, logs), 9],
      [LeaseMessageSchema, encode(LeaseMessageSchema, { content: { case: 'report', value: report } }), 12],
      [AwardSchema, encode(AwardSchema, AWARD), 12],
    ]
    for (const [schema, encoded, fields] of cases) {
      assert.equal(fieldsOf(schema, encoded), fields, `${schema.name} of ${fields}`)
    }
  })

  it('does not look at what is too short to have so many', () => {
    assert.equal(hasMoreFields(JobSchema, bytes(20, 0xff), 10), false)
    assert.throws(() => hasMoreFields(JobSchema, bytes(21, 0xff), 10))
  })

  /** 8,225 empty capabilities of a Requirements, and the start of an unknown field that has room for them. */
  const capabilities = Buffer.alloc(16_450, Buffer.from([0x3a, 0]))
  const unknown = [0x52, 0xc2, 0x80, 0x01]
  const short = capabilities.subarray(80)

  /** What the decoder reads otherwise than the wire says: a scan that believes the wire would step over all of it. */
  const hidden: [name: string, encoded: Uint8Array][] = [
    ['behind text that the wire calls a number', Buffer.concat([Buffer.from([0x10, 4, ...unknown]), capabilities])],
    [
      'behind a map entry that runs past its end',
      Buffer.concat([Buffer.from([0x32, 1, 0x12, ...unknown]), Buffer.alloc(79, 'x'), short]),
    ],
    ['behind an inner message that runs past its end', Buffer.concat([Buffer.from([0x0a, 1, 0x08, 1]), capabilities])],
  ]
  for (const [name, encoded] of hidden) {
    it(`refuses what is hidden ${name}`, () => {
      assert.ok(fromBinary(RequirementsSchema, encoded).capabilities.length > 8000)
      assert.throws(() => hasMoreFields(RequirementsSchema, encoded, 100))
    })
  }

  it('refuses text that ends too early', () => {
    const encoded = Buffer.concat([capabilities.subarray(0, 20), Buffer.from([0x3a, 5, 1])])
    assert.throws(() => hasMoreFields(RequirementsSchema, encoded, 11))
  })
})
