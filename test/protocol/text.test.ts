import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isArgument, isLine, toLine } from '../../protocol/text.ts'

const UNSAFE = ['\0', '\n', '\r', '\t', '\u001b', '\u007f', '\u009b', '\u2028', '\u2029', '\u202e', '\u2066', '\ud800']

describe('isLine', () => {
  it('takes text that a terminal shows as it is', () => {
    for (const text of ['', 'a b', 'ünïcode ✓', '日本', '🦀', 'a\u200db']) assert.ok(isLine(text), text)
  })

  it('refuses controls, line ends, marks that reorder and lone surrogates', () => {
    for (const char of UNSAFE) assert.equal(isLine(`a${char}b`), false, JSON.stringify(char))
  })
})

describe('isArgument', () => {
  it('takes all but NUL and lone surrogates', () => {
    for (const char of UNSAFE) {
      assert.equal(isArgument(`a${char}b`), char !== '\0' && char !== '\ud800', JSON.stringify(char))
    }
  })
})

describe('toLine', () => {
  it('leaves good text alone', () => assert.equal(toLine('All is well ✓', 100), 'All is well ✓'))
  it('puts a space for each unsafe character', () => assert.equal(toLine('a\nb\u001b[0mc', 100), 'a b [0mc'))
  it('cuts what is too long, and shows that', () => assert.equal(toLine('abcdef', 4), 'abc…'))
  it('keeps what just fits', () => assert.equal(toLine('abcd', 4), 'abcd'))

  it('makes a line of bounded length of any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 50 }), (text, maxLength) => {
        const line = toLine(text, maxLength)
        return isLine(line) && line.length <= maxLength
      }),
    )
  })
})
