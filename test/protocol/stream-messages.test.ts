import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { DescMessage, MessageInitShape } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { encode } from '../../protocol/codec.ts'
import type { EndpointStateSchema } from '../../protocol/gen/cortex/v1/endpoints_pb.js'
import {
  AwardMessageSchema,
  AwardReplySchema,
  BidMessageSchema,
  LeaseCommandSchema,
  LeaseHelloSchema,
  LeaseMessageSchema,
  type ReportSchema,
} from '../../protocol/gen/cortex/v1/market_pb.js'
import { MAX_LEASE_MESSAGE_BYTES, MAX_LOG_BATCH_LINES, MAX_LOG_LINE_BYTES } from '../../protocol/limits.ts'
import {
  readAwardMessage,
  readAwardReply,
  readBidMessage,
  readLeaseCommand,
  readLeaseHello,
  readLeaseMessage,
} from '../../protocol/stream-messages.ts'
import { WireError } from '../../protocol/wire-error.ts'
import { bytes, NOW_MS } from './samples.ts'

const U64 = 2n ** 64n - 1n
const U32 = 2 ** 32 - 1
const BEYOND_DATE = 8_640_000_000_000_001n
const ID = bytes(16, 1)

type ReportContent = NonNullable<MessageInitShape<typeof ReportSchema>['content']>

const report = (content: ReportContent, sequence = 1n, timestampMs = BigInt(NOW_MS)): Uint8Array =>
  encode(LeaseMessageSchema, { content: { case: 'report', value: { sequence, timestampMs, content } } })

const command = (content: MessageInitShape<typeof LeaseCommandSchema>['content']): Uint8Array =>
  encode(LeaseCommandSchema, content === undefined ? {} : { content })

const message = (content: MessageInitShape<typeof LeaseMessageSchema>['content']): Uint8Array =>
  encode(LeaseMessageSchema, content === undefined ? {} : { content })

const beat = (...endpoints: MessageInitShape<typeof EndpointStateSchema>[]): Uint8Array =>
  message({
    case: 'heartbeat',
    value: { endpoints: endpoints.map((one) => ({ port: 80, protocol: 'TCP', health: 'silent', ...one })) },
  })

const READERS: [name: string, schema: DescMessage, read: (bytes: Uint8Array) => unknown][] = [
  ['readBidMessage', BidMessageSchema, readBidMessage],
  ['readAwardMessage', AwardMessageSchema, readAwardMessage],
  ['readAwardReply', AwardReplySchema, readAwardReply],
  ['readLeaseHello', LeaseHelloSchema, readLeaseHello],
  ['readLeaseCommand', LeaseCommandSchema, readLeaseCommand],
  ['readLeaseMessage', LeaseMessageSchema, readLeaseMessage],
]

describe('every reader of stream messages', () => {
  for (const [name, , read] of READERS) {
    it(`${name} answers or throws WireError, for any bytes`, () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 120 }), (any) => {
          try {
            read(any)
          } catch (error) {
            assert.ok(error instanceof WireError, String(error))
          }
        }),
        { numRuns: 500 },
      )
    })

    it(`${name} refuses what is too large`, () => {
      assert.throws(() => read(new Uint8Array(2 ** 20 + 1)), { code: 'TOO_LARGE' })
    })
  }

  it('refuses a message without content', () => {
    for (const read of [readBidMessage, readAwardMessage, readLeaseCommand, readLeaseMessage]) {
      assert.throws(() => read(new Uint8Array()), { name: 'WireError', code: 'MALFORMED' }, read.name)
    }
    assert.throws(() => readLeaseMessage(report({ case: undefined })), { code: 'MALFORMED' })
  })
})

const REFUSED: [field: string, read: () => unknown][] = [
  ['request_id', () => readBidMessage(encode(BidMessageSchema, { content: { case: 'decline', value: {} } }))],
  ['code', () => readBidMessage(declined('a'.repeat(65), ''))],
  ['code', () => readBidMessage(declined('\u001b', ''))],
  ['request_id', () => readAwardMessage(encode(AwardMessageSchema, { content: { case: 'release', value: {} } }))],
  [
    'bid_id',
    () => readAwardMessage(encode(AwardMessageSchema, { content: { case: 'release', value: { requestId: ID } } })),
  ],
  ['code', () => readAwardReply(encode(AwardReplySchema, { code: 'a'.repeat(65) }))],
  ['job_id', () => readLeaseHello(encode(LeaseHelloSchema, { jobId: 'x', fence: 1 }))],
  ['fence', () => readLeaseHello(encode(LeaseHelloSchema, { jobId: 'job_abcdefghijkl' }))],
  ['after_sequence', () => readLeaseCommand(command({ case: 'attach', value: { afterSequence: U64 } }))],
  ['sequence', () => readLeaseCommand(command({ case: 'ack', value: { sequence: U64 } }))],
  ['metered_ms', () => readLeaseCommand(command({ case: 'heartbeat', value: { meteredMs: U64 } }))],
  ['command_id', () => readLeaseCommand(command({ case: 'cancel', value: { commandId: 'a'.repeat(65) } }))],
  ['command_id', () => readLeaseCommand(command({ case: 'extend', value: { commandId: '\n', additionalSeconds: 1 } }))],
  ['additional_seconds', () => readLeaseCommand(command({ case: 'extend', value: {} }))],
  ['additional_seconds', () => readLeaseCommand(command({ case: 'extend', value: { additionalSeconds: U32 } }))],
  ['metered_ms', () => readLeaseMessage(message({ case: 'heartbeat', value: { meteredMs: U64 } }))],
  ['endpoints', () => readLeaseMessage(beat(...Array(17).fill({})))],
  ['endpoints.port', () => readLeaseMessage(beat({ port: 0 }))],
  ['endpoints.port', () => readLeaseMessage(beat({ port: 65_536 }))],
  ['endpoints.protocol', () => readLeaseMessage(beat({ protocol: 'SCTP' }))],
  ['endpoints.public_address', () => readLeaseMessage(beat({ publicAddress: 'evil.example/?', publicPort: 1 }))],
  ['endpoints.public_port', () => readLeaseMessage(beat({ publicAddress: '192.0.2.1' }))],
  ['command_id', () => readLeaseMessage(message({ case: 'reply', value: { commandId: 'a'.repeat(65) } }))],
  ['code', () => readLeaseMessage(message({ case: 'reply', value: { code: '\0' } }))],
  ['sequence', () => readLeaseMessage(report({ case: 'expired', value: {} }, 0n))],
  ['sequence', () => readLeaseMessage(report({ case: 'expired', value: {} }, U64))],
  ['timestamp_ms', () => readLeaseMessage(report({ case: 'expired', value: {} }, 1n, BEYOND_DATE))],
  ['first_sequence', () => readLeaseMessage(message({ case: 'report', value: { sequence: 4n, firstSequence: 5n } }))],
  ['bytes_done', () => readLeaseMessage(report({ case: 'pulling', value: { bytesDone: U64 } }))],
  ['bytes_total', () => readLeaseMessage(report({ case: 'pulling', value: { bytesTotal: U64 } }))],
  ['bytes_done', () => readLeaseMessage(report({ case: 'transferring', value: { bytesDone: U64 } }))],
  ['bytes_total', () => readLeaseMessage(report({ case: 'transferring', value: { bytesTotal: U64 } }))],
  ['started_at_ms', () => readLeaseMessage(report({ case: 'started', value: { startedAtMs: BEYOND_DATE } }))],
  ['image_digest', () => readLeaseMessage(report({ case: 'started', value: { imageDigest: '\u001b' } }))],
  ['first_line', () => readLeaseMessage(report({ case: 'logs', value: {} }))],
  ['first_line', () => readLeaseMessage(report({ case: 'logs', value: { firstLine: U64 } }))],
  ['lines', () => readLeaseMessage(logs(MAX_LOG_BATCH_LINES + 1, ''))],
  ['lines.line', () => readLeaseMessage(logs(1, 'a'.repeat(MAX_LOG_LINE_BYTES + 1)))],
  ['lines.line', () => readLeaseMessage(logs(1, 'é'.repeat(MAX_LOG_LINE_BYTES / 2 + 1)))],
  ['lines.bytes', () => readLeaseMessage(logs(1, '', 0n, Buffer.alloc(MAX_LOG_LINE_BYTES + 1)))],
  ['lines.timestamp_ms', () => readLeaseMessage(logs(1, '', U64))],
  ['timestamp_ms', () => readLeaseMessage(report({ case: 'stats', value: { timestampMs: BEYOND_DATE } }))],
  ['memory_bytes', () => readLeaseMessage(report({ case: 'stats', value: { memoryBytes: U64 } }))],
  ['rx_bytes', () => readLeaseMessage(report({ case: 'stats', value: { rxBytes: U64 } }))],
  ['tx_bytes', () => readLeaseMessage(report({ case: 'stats', value: { txBytes: U64 } }))],
  ['storage_bytes', () => readLeaseMessage(report({ case: 'stats', value: { storageBytes: U64 } }))],
  ['duration_seconds', () => readLeaseMessage(report({ case: 'extended', value: {} }))],
  ['duration_seconds', () => readLeaseMessage(report({ case: 'extended', value: { durationSeconds: U32 } }))],
  ['outcome', () => readLeaseMessage(report({ case: 'ended', value: { outcome: 'a'.repeat(65) } }))],
  ['failure_code', () => readLeaseMessage(report({ case: 'ended', value: { failureCode: '\u001b' } }))],
  ['ended_at_ms', () => readLeaseMessage(report({ case: 'ended', value: { endedAtMs: U64 } }))],
]

function declined(code: string, text: string): Uint8Array {
  return encode(BidMessageSchema, { content: { case: 'decline', value: { requestId: ID, code, message: text } } })
}

function logs(count: number, line: string, timestampMs = 0n, bytes: Uint8Array<ArrayBuffer> = new Uint8Array()) {
  const lines = Array.from({ length: count }, () => ({ line, timestampMs, bytes }))
  return report({ case: 'logs', value: { firstLine: 1n, lines } })
}

describe('stream messages are refused', () => {
  REFUSED.forEach(([field, read], index) => {
    it(`naming ${field} (case ${index})`, () => {
      assert.throws(read, { name: 'WireError', code: 'INVALID_FIELD', field })
    })
  })
})

describe('what another peer wrote for people', () => {
  const NASTY = `two\nlines \u001b[2J\u202e${'x'.repeat(5000)}`

  it('becomes one line of bounded length', () => {
    const { content } = readBidMessage(declined('NO', NASTY))
    assert.ok(content.case === 'decline')
    const reply = readAwardReply(encode(AwardReplySchema, { message: NASTY }))
    const ended = readLeaseMessage(report({ case: 'ended', value: { message: NASTY, details: { [NASTY]: NASTY } } }))
    assert.ok(ended.content.case === 'report' && ended.content.value.content.case === 'ended')
    const [[name, value] = ['', '']] = Object.entries(ended.content.value.content.value.details)
    for (const text of [content.value.message, reply.message, ended.content.value.content.value.message, name, value]) {
      assert.match(text, /^two lines {2}\[2J x+…$/)
      assert.ok(text.length <= 1024)
    }
    assert.equal(name.length, 64)
  })

  it('keeps 32 details at most', () => {
    const details = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`d${i}`, '']))
    const { content } = readLeaseMessage(report({ case: 'ended', value: { details } }))
    assert.ok(content.case === 'report' && content.value.content.case === 'ended')
    assert.equal(Object.keys(content.value.content.value.details).length, 32)
  })

  it('leaves a container’s own output alone', () => {
    const line = 'colour \u001b[31m and \u202e and \0'
    const { content } = readLeaseMessage(logs(1, line))
    assert.ok(content.case === 'report' && content.value.content.case === 'logs')
    assert.equal(content.value.content.value.lines[0]?.line, line)
  })
})

describe('the largest batch of lines', () => {
  it('fits a lease message, in short lines and in long ones', () => {
    const time = BigInt(NOW_MS)
    const full = Array.from({ length: MAX_LOG_BATCH_LINES }, () => ({
      line: 'x'.repeat(64),
      timestampMs: time,
      stderr: true,
      partial: true,
      bytes: new Uint8Array(1).fill(255),
    }))
    const short = report({ case: 'logs', value: { firstLine: 1n, lines: full } })
    assert.ok(short.length <= MAX_LEASE_MESSAGE_BYTES)
    const long = logs(4, 'x'.repeat(MAX_LOG_LINE_BYTES), time)
    for (const encoded of [short, long]) assert.ok(readLeaseMessage(encoded))
  })
})
