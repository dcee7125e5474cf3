import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createRawReader } from '../../../../provider-agent/engine/logs/log-raw.ts'

const AT = '2026-11-23T21:55:20.840823514Z'
const FULL = 'x'.repeat(16_384)

function read(chunks: Buffer[], isOver = true): string[] {
  const seen: string[] = []
  const reader = createRawReader(({ bytes, start, end }) => seen.push(bytes.toString('utf8', start, end)))
  for (const chunk of chunks) reader.push(chunk)
  if (isOver) reader.finish()
  return seen
}

describe('the log of a container with a terminal', () => {
  for (const [what, records] of [
    ['lines', ['one\r\n', '\r\n', 'a 2026-11-23T21:55:20Z b\n']],
    ['a last line without an end', ['one\r\n', '50 %\r100 %']],
    ['a line of several records', [FULL, FULL, 'y\n', 'next\n']],
    ['a line that is just full, and one that is longer', [`${FULL.slice(1)}\n`, FULL, '\n', 'z']],
    ['a line of an engine that does not cut', [`${FULL}${FULL}y\n`, 'next\n']],
  ] as const) {
    it(`is read as it was written, in pieces of any size: ${what}`, () => {
      const log = Buffer.from(records.map((record) => `${AT} ${record}`).join(''))
      const pieces = fc.array(fc.integer({ min: 1, max: log.length - 1 }), { maxLength: 8 })
      fc.assert(
        fc.property(pieces, (cuts) => {
          const at = [0, ...cuts.toSorted((a, b) => a - b), log.length]
          assert.deepEqual(read(at.slice(1).map((end, i) => log.subarray(at[i], end))), records)
        }),
        { numRuns: 50 },
      )
    })
  }

  it('lets no part of a record out before it is whole, and takes the timestamps of other engines', () => {
    assert.deepEqual(read([Buffer.from(`${AT} one\n${AT} tw`)], false), ['one\n'])
    assert.deepEqual(read([Buffer.from('2026-11-23T21:55:20+01:00 one\n2026-11-23T21:55:20Z two\n')]), [
      'one\n',
      'two\n',
    ])
  })

  it('is unreadable without a timestamp, and where a record has no end', () => {
    assert.throws(() => read([Buffer.from(`${AT} one\n${'no timestamp at all'.repeat(3)}\n`)]), {
      code: 'ENGINE_ERROR',
    })
    assert.throws(() => read([Buffer.from(`${AT} ${'x'.repeat(2 ** 20 + 1)}`)], false), { code: 'ENGINE_ERROR' })
  })
})
