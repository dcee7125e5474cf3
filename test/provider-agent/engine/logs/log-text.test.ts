import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { characterBoundary, maxLineBytes, toPieces } from '../../../../provider-agent/engine/logs/log-text.ts'

test('a line is cut at a character boundary at or before 64 KiB', () => {
  const cases: [string, string, number[]][] = [
    ['one byte each', 'a'.repeat(maxLineBytes + 1), [maxLineBytes, 1]],
    ['exactly the most', 'a'.repeat(maxLineBytes), [maxLineBytes]],
    ['two bytes each, cut in between', `a${'é'.repeat(maxLineBytes / 2)}`, [maxLineBytes - 1, 2]],
    ['three bytes each', '€'.repeat(22_000), [65_535, 465]],
    ['four bytes each, after one', `a${'😀'.repeat(maxLineBytes / 4)}`, [maxLineBytes - 3, 4]],
    ['empty', '', [0]],
  ]
  for (const [name, text, expected] of cases) {
    const bytes = Buffer.from(text)
    const pieces = toPieces(bytes, 0, bytes.length)
    assert.deepEqual(
      pieces.map(({ line }) => Buffer.byteLength(line)),
      expected,
      name,
    )
    assert.deepEqual(
      pieces,
      pieces.map(({ line }) => ({ line })),
      name,
    )
    assert.equal(pieces.map(({ line }) => line).join(''), text, name)
  }
})

test('a boundary never lies inside a character', () => {
  for (const character of ['a', 'é', '€', '😀']) {
    const bytes = Buffer.from(character.repeat(8))
    const size = Buffer.byteLength(character)
    for (let at = 4; at <= bytes.length; at++) {
      const cut = characterBoundary(bytes, at)
      assert.equal(cut, at - (at % size), `${character} at ${at}`)
    }
  }
})

test('entry 39: bytes that are no UTF-8 are replaced in the text, and are there beside it', () => {
  const piece = fc.oneof(
    fc.constantFrom('a', 'é', '€', '😀', '\u0000', '\ufeff').map((text) => Buffer.from(text)),
    fc.uint8Array({ minLength: 1, maxLength: 6 }).map((bytes) => Buffer.from(bytes)),
    fc.constantFrom([0xff], [0xc3], [0xe2, 0x82], [0xf0, 0x9f, 0x98], [0x80], [0xed, 0xa0, 0x80]).map(Buffer.from),
  )
  const runs = fc.array(fc.tuple(piece, fc.integer({ min: 1, max: 40_000 })), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(runs, (list) => {
      const bytes = Buffer.concat(list.map(([part, times]) => Buffer.alloc(part.length * times, part)))
      const pieces = toPieces(bytes, 0, bytes.length)
      assert.ok(Buffer.concat(pieces.map((piece) => piece.bytes ?? Buffer.from(piece.line))).equals(bytes))
      for (const { line, bytes: own } of pieces) {
        assert.ok(Buffer.byteLength(line) <= maxLineBytes)
        assert.ok(line.isWellFormed())
        if (own !== undefined) assert.equal(line, new TextDecoder('utf-8', { ignoreBOM: true }).decode(own))
      }
    }),
    { numRuns: 60 },
  )
})

test('entry 39: a U+FFFD that was written is text like any other', () => {
  const written = Buffer.from('a\ufffdb')
  assert.deepEqual(toPieces(written, 0, written.length), [{ line: 'a\ufffdb' }])
})
