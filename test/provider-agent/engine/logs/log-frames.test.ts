import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createFrameReader } from '../../../../provider-agent/engine/logs/log-frames.ts'
import { frame, timestamp } from '../docker-log.ts'

interface Seen {
  stream: string
  timestampMs: number
  text: string
}

function read(chunks: Buffer[]): Seen[] {
  const seen: Seen[] = []
  const reader = createFrameReader(({ stream, timestampMs, bytes, start, end }) => {
    seen.push({ stream, timestampMs, text: bytes.toString('latin1', start, end) })
  })
  for (const chunk of chunks) reader.push(chunk)
  return seen
}

test('a frame becomes a record with its stream, time and text', () => {
  const log = Buffer.concat([
    frame('stdout', '2026-11-23T21:55:20.840823514Z', 'one\n'),
    frame('stderr', '2026-11-23T21:55:20.999999999Z', ''),
    frame('stdout', '2024-02-29T23:59:59.000000001Z', 'no newline'),
    frame('stdout', '2024-03-01T00:00:00.005000000Z', '\n'),
  ])
  assert.deepEqual(read([log]), [
    { stream: 'stdout', timestampMs: Date.parse('2026-11-23T21:55:20.840Z'), text: 'one\n' },
    { stream: 'stderr', timestampMs: Date.parse('2026-11-23T21:55:20.999Z'), text: '' },
    { stream: 'stdout', timestampMs: Date.parse('2024-02-29T23:59:59.000Z'), text: 'no newline' },
    { stream: 'stdout', timestampMs: Date.parse('2024-03-01T00:00:00.005Z'), text: '\n' },
  ])
})

test("a short timestamp, as Podman's, ends at its own space and at no other", () => {
  const log = Buffer.concat([
    frame('stderr', '2026-11-23T21:55:20Z', 'failed to exec\n'),
    frame('stderr', '2026-11-23T21:55:20+01:00', 'four more\n'),
  ])
  assert.deepEqual(
    read([log]).map(({ text }) => text),
    ['failed to exec\n', 'four more\n'],
  )
})

test('records do not depend on how the bytes arrive', () => {
  const records = fc.array(
    fc.record({
      stream: fc.constantFrom('stdout' as const, 'stderr' as const),
      nanos: fc.integer({ min: 0, max: 39_000_000_000 }),
      text: fc.uint8Array({ maxLength: 300 }),
    }),
    { maxLength: 20 },
  )
  const cuts = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 50 })
  fc.assert(
    fc.property(records, cuts, (list, sizes) => {
      const log = Buffer.concat(
        list.map(({ stream, nanos, text }) => frame(stream, timestamp(nanos), Buffer.from(text))),
      )
      const chunks: Buffer[] = []
      for (let at = 0, i = 0; at < log.length; i++) {
        const size = sizes[i % sizes.length] as number
        chunks.push(log.subarray(at, at + size))
        at += size
      }
      const expected = list.map(({ stream, nanos, text }) => ({
        stream,
        timestampMs: Date.parse(timestamp(nanos)),
        text: Buffer.from(text).toString('latin1'),
      }))
      assert.deepEqual(read(chunks), expected)
    }),
  )
})

test('what was consumed is reported up to the last whole frame', () => {
  const first = frame('stdout', timestamp(1), 'one\n')
  const second = frame('stdout', timestamp(2), 'two\n')
  const consumed: Buffer[] = []
  const reader = createFrameReader(
    () => {},
    (bytes, end) => consumed.push(Buffer.from(bytes.subarray(0, end))),
  )
  reader.push(Buffer.concat([first, second.subarray(0, 20)]))
  reader.push(second.subarray(20))
  assert.deepEqual(consumed, [first, second])
})

test('what is no log of the engine is refused', () => {
  const tooLong = frame('stdout', timestamp(1), 'x')
  tooLong.writeUInt32BE(0x7fffffff, 4)
  const unknownStream = frame('stdout', timestamp(1), 'x')
  unknownStream[0] = 9
  const engineError = frame('stdout', timestamp(1), 'Error grabbing logs: broken')
  engineError[0] = 3
  const cases: [string, Buffer][] = [
    ['a frame longer than any record', tooLong],
    ['a stream that there is not', unknownStream],
    ['an error of the engine in the stream', engineError],
    ['a record shorter than a timestamp', frame('stdout', 'short', '')],
    ['a record without a timestamp', frame('stdout', 'x'.repeat(30), 'text')],
  ]
  for (const [name, bytes] of cases) {
    assert.throws(() => read([bytes]), { code: 'ENGINE_ERROR', details: { reason: 'log-unreadable' } }, name)
  }
})
