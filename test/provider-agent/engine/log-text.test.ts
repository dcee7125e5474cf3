import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { characterBoundary, maxLineBytes, toTexts } from '../../../provider-agent/engine/log-text.ts'

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
    const texts = toTexts(bytes, 0, bytes.length)
    assert.deepEqual(
      texts.map((part) => Buffer.byteLength(part)),
      expected,
      name,
    )
    assert.equal(texts.join(''), text, name)
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

test('bytes that are no UTF-8 are replaced, and the parts still are what the whole decodes to', () => {
  const piece = fc.oneof(
    fc.constantFrom('a', 'é', '€', '😀', '\u0000', '\ufeff').map((text) => Buffer.from(text)),
    fc.uint8Array({ minLength: 1, maxLength: 6 }).map((bytes) => Buffer.from(bytes)),
    fc.constantFrom([0xff], [0xc3], [0xe2, 0x82], [0xf0, 0x9f, 0x98], [0x80], [0xed, 0xa0, 0x80]).map(Buffer.from),
  )
  const runs = fc.array(fc.tuple(piece, fc.integer({ min: 1, max: 40_000 })), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(runs, (list) => {
      const bytes = Buffer.concat(list.map(([part, times]) => Buffer.alloc(part.length * times, part)))
      const texts = toTexts(bytes, 0, bytes.length)
      assert.equal(texts.join(''), new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes))
      for (const text of texts) {
        assert.ok(Buffer.byteLength(text) <= maxLineBytes)
        assert.ok(text.isWellFormed())
      }
    }),
    { numRuns: 60 },
  )
})
