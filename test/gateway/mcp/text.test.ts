import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { shown, shownEnds, shownStart } from '../../../gateway/mcp/text.ts'

describe('text of a container for a model', () => {
  const cases: [name: string, text: string, shown: string][] = [
    ['plain', 'a\tb\nc é 字', 'a\tb\nc é 字'],
    ['colours and titles', '\u001b[31mred\u001b[0m \u001b]0;title\u0007end', 'red end'],
    ['a line that is drawn over', '10%\r20%\r\ndone', '10%\n20%\ndone'],
    ['what nobody sees', 'a\u200bb\u202ec\u{e0041}d\u0000', 'a\\u{200b}b\\u{202e}c\\u{e0041}d\\u{0}'],
    [
      'selectors and fillers',
      'a\u{e0101}b\ufe0fc\u034fd\u115fe\u3164f\uffa0g',
      'a\\u{e0101}b\\u{fe0f}c\\u{34f}d\\u{115f}e\\u{3164}f\\u{ffa0}g',
    ],
    ['half a character', 'a\ud83d', 'a\\u{d83d}'],
    ['a sequence that does not end', '\u001b]0;begun', '\\u{1b}]0;begun'],
  ]
  for (const [name, text, expected] of cases) {
    it(`shows ${name}`, () => {
      assert.equal(shown(text), expected)
    })
  }

  it('is cut in the middle where it is too long', () => {
    assert.deepEqual(shownEnds('abcdef', 6), { text: 'abcdef', leftOut: 0 })
    assert.deepEqual(shownEnds('abcdefg', 4), { text: 'ab\n[… 3 characters left out …]\nfg', leftOut: 3 })
    assert.deepEqual(shownEnds('abcdefghi', 4), { text: 'ab\n[… 5 characters left out …]\nhi', leftOut: 5 })
  })

  it('is looked at as far as it is answered, however long', () => {
    const signs = '\u200b'.repeat(2 ** 20)
    const { text, leftOut } = shownEnds(signs, 8)
    assert.deepEqual([text, leftOut], [`\\u{2\n[… ${2 ** 20 - 8} characters left out …]\n00b}`, 2 ** 20 - 8])
    assert.equal(shownStart(signs, 8), '\\u{200b}')
  })
})
