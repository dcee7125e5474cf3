import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { LogLine, LogsOptions } from '../../../../provider-agent/engine/index.ts'
import { createFrameReader } from '../../../../provider-agent/engine/logs/log-frames.ts'
import { createLineAssembler } from '../../../../provider-agent/engine/logs/log-lines.ts'
import { maxLineBytes } from '../../../../provider-agent/engine/logs/log-text.ts'
import { dockerLog, dockerRecordBytes, frame, type Output, timestamp } from '../docker-log.ts'

type Driver = 'local' | 'json-file'
const drivers: Driver[] = ['local', 'json-file']

function assemble(
  log: Buffer,
  driver: Driver,
  fromLine = 1,
  lastSeen?: LogsOptions['lastSeen'],
  ended?: { stdout?: boolean; stderr?: boolean },
): LogLine[] {
  const lineEnd = driver === 'local' ? 'timestamp' : 'newline'
  const assembler = createLineAssembler({ fromLine, lineEnd, ...(lastSeen && { lastSeen }) })
  createFrameReader(assembler.push).push(log)
  const live = assembler.take()
  assembler.finish(ended)
  return [...live, ...assembler.take()]
}

const stdout = (text: string | Buffer): Output => ({ stream: 'stdout', bytes: Buffer.from(text) })
const stderr = (text: string | Buffer): Output => ({ stream: 'stderr', bytes: Buffer.from(text) })

/** `stream number: text`, with `+` where the line goes on. */
function short({ stream, number, line, partial }: LogLine): string {
  const text = line.length > 20 ? `${line.slice(0, 3)}…(${Buffer.byteLength(line)})` : line
  return `${stream === 'stdout' ? 'out' : 'err'} ${number}: ${text}${partial ? '+' : ''}`
}

const cases: [string, Output[], string[]][] = [
  ['nothing', [], []],
  [
    'lines in the order in which they ended',
    [stdout('a\nb\n'), stderr('c\n'), stdout('d\n')],
    ['out 1: a', 'out 2: b', 'err 3: c', 'out 4: d'],
  ],
  ['a last line without a newline', [stdout('a\nb'), stderr('c')], ['out 1: a', 'out 2: b+', 'err 3: c+']],
  ['empty lines', [stdout('\n\na\n')], ['out 1: ', 'out 2: ', 'out 3: a']],
  [
    'carriage returns stay',
    [stdout('a\r\n1%\r2%\r\r\n\r\nb\r')],
    ['out 1: a\r', 'out 2: 1%\r2%\r\r', 'out 3: \r', 'out 4: b\r+'],
  ],
  ['a line that was written in parts', [stdout('a'), stderr('x\n'), stdout('b\n')], ['err 1: x', 'out 2: ab']],
  ['bytes that are no UTF-8', [stdout(Buffer.from([0x78, 0xff, 0xfe, 0x79, 0x0a]))], ['out 1: x\ufffd\ufffdy']],
  ['control characters and NUL stay', [stdout('\u0000\u001b[31m\n')], ['out 1: \u0000\u001b[31m']],
  ['a line of two records', [stdout(`${'a'.repeat(20_000)}\nb\n`)], ['out 1: aaa…(20000)', 'out 2: b']],
  [
    'a line of exactly one record',
    [stdout(`${'a'.repeat(dockerRecordBytes)}\nb\n`)],
    ['out 1: aaa…(16384)', 'out 2: b'],
  ],
  [
    'long lines behind each other',
    [stdout(`${'a'.repeat(20_000)}\n${'b'.repeat(40_000)}\n`)],
    ['out 1: aaa…(20000)', 'out 2: bbb…(40000)'],
  ],
  ['a character across two records', [stdout(`a${'é'.repeat(20_000)}\n`)], ['out 1: aéé…(40001)']],
  ['exactly 64 KiB', [stdout(`${'a'.repeat(maxLineBytes)}\n`)], ['out 1: aaa…(65536)']],
  [
    'exactly 64 KiB and a carriage return',
    [stdout(`${'a'.repeat(maxLineBytes)}\r\nb\n`)],
    ['out 1: aaa…(65536)+', 'out 2: \r', 'out 3: b'],
  ],
  ['one more than 64 KiB', [stdout(`${'a'.repeat(maxLineBytes + 1)}\n`)], ['out 1: aaa…(65536)+', 'out 2: a']],
  [
    '64 KiB, a carriage return that is not the end',
    [stdout(`${'a'.repeat(maxLineBytes)}\rb\n`)],
    ['out 1: aaa…(65536)+', 'out 2: \rb'],
  ],
  [
    '150 KiB',
    [stdout(`${'a'.repeat(153_600)}\nb\n`)],
    ['out 1: aaa…(65536)+', 'out 2: aaa…(65536)+', 'out 3: aaa…(22528)', 'out 4: b'],
  ],
  [
    'a split that falls into a character',
    [stdout(`a${'é'.repeat(40_000)}\n`)],
    ['out 1: aéé…(65535)+', 'out 2: ééé…(14466)'],
  ],
  [
    'a split of bytes that grow',
    [stdout(Buffer.alloc(30_000, 0xff)), stdout('\n')],
    ['out 1: \ufffd\ufffd\ufffd…(65532)+', 'out 2: \ufffd\ufffd\ufffd…(24468)'],
  ],
]

for (const driver of drivers) {
  for (const [name, outputs, expected] of cases) {
    test(`${driver}: ${name}`, () => {
      assert.deepEqual(assemble(dockerLog(outputs, driver), driver).map(short), expected)
    })
  }
}

test('with the log driver local, a long line without its newline ends where the next begins', () => {
  const log = Buffer.concat([
    frame('stdout', timestamp(1), 'a'.repeat(dockerRecordBytes)),
    frame('stdout', timestamp(1), 'b\r'),
    frame('stderr', timestamp(1), 'e\n'),
    frame('stdout', timestamp(2), 'c\n'),
  ])
  assert.deepEqual(assemble(log, 'local').map(short), ['err 1: e', 'out 2: aaa…(16386)', 'out 3: c'])
})

test('a line carries the time at which it began', () => {
  const log = Buffer.concat([
    frame('stdout', timestamp(1_000_000), 'a'),
    frame('stderr', timestamp(5_000_000), 'x\n'),
    frame('stdout', timestamp(9_000_000), 'b\n'),
  ])
  const base = Date.parse(timestamp(0))
  const times = assemble(log, 'json-file').map(({ line, timestampMs }) => [line, timestampMs - base])
  assert.deepEqual(times, [
    ['x', 5],
    ['ab', 1],
  ])
})

const outputs = fc.array(
  fc.record({
    stream: fc.constantFrom('stdout' as const, 'stderr' as const),
    bytes: fc
      .array(
        fc.oneof(
          fc.constantFrom('\n', '\r\n', '\r', 'a', 'é', '😀', 'word ').map((text) => Buffer.from(text)),
          fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
          fc
            .tuple(fc.constantFrom('b', 'ü', '€'), fc.integer({ min: 1, max: 70_000 }))
            .map(([c, n]) => Buffer.from(c.repeat(n))),
        ),
        { maxLength: 6 },
      )
      .map((parts) => Buffer.concat(parts)),
  }),
  { maxLength: 6 },
)

test('entry 39: any output comes out to the byte, in order, numbered without a gap', () => {
  fc.assert(
    fc.property(outputs, fc.constantFrom(...drivers), (list, driver) => {
      const endsWithNewline = ({ bytes }: Output): boolean => bytes.at(-1) === 10
      const lastOf = (name: Output['stream']) =>
        list.findLast(({ stream, bytes }) => stream === name && bytes.length > 0)
      const [out, err] = [lastOf('stdout'), lastOf('stderr')]
      const ends = { ...(out && { stdout: endsWithNewline(out) }), ...(err && { stderr: endsWithNewline(err) }) }
      const lines = assemble(dockerLog(list, driver), driver, 1, undefined, ends)
      assert.deepEqual(
        lines.map(({ number }) => number),
        lines.map((_, i) => i + 1),
      )
      for (const stream of ['stdout', 'stderr'] as const) {
        const written = Buffer.concat(list.filter((output) => output.stream === stream).map(({ bytes }) => bytes))
        const own = lines.filter((line) => line.stream === stream)
        const read = own.map(({ line, bytes, partial }) => [
          bytes ?? Buffer.from(line),
          Buffer.from(partial ? '' : '\n'),
        ])
        assert.ok(Buffer.concat(read.flat()).equals(written))
        for (const { line } of own) assert.ok(Buffer.byteLength(line) <= maxLineBytes)
      }
    }),
    { numRuns: 60 },
  )
})

test('reading from a line on gives the rest of the same lines', () => {
  fc.assert(
    fc.property(outputs, fc.constantFrom(...drivers), fc.integer({ min: 1, max: 20 }), (list, driver, fromLine) => {
      const log = dockerLog(list, driver)
      assert.deepEqual(assemble(log, driver, fromLine), assemble(log, driver).slice(fromLine - 1))
    }),
    { numRuns: 60 },
  )
})

test('a log that lost lines is recognised by the last line that was seen', () => {
  const log = dockerLog([stdout('a\nb\nc\n')], 'local')
  const all = assemble(log, 'local')
  const second = all[1] as LogLine
  assert.deepEqual(assemble(log, 'local', 3, second), all.slice(2))
  const truncated = { code: 'ENGINE_ERROR', details: { reason: 'log-truncated' } }
  assert.throws(() => assemble(log, 'local', 3, { ...second, timestampMs: second.timestampMs - 1 }), truncated)
  assert.throws(() => assemble(log, 'local', 3, { number: 4, timestampMs: second.timestampMs }), truncated)
})
