import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { clipped, shown } from '../../../gateway/mcp/text.ts'

describe('text of a container for a model', () => {
  const cases: [name: string, text: string, shown: string][] = [
    ['plain', 'a\tb\nc é 字', 'a\tb\nc é 字'],
    ['colours and titles', '\u001b[31mred\u001b[0m \u001b]0;title\u0007end', 'red end'],
    ['a line that is drawn over', '10%\r20%\r\ndone', '10%\n20%\ndone'],
    ['what nobody sees', 'a\u200bb\u202ec\u{e0041}d\u0000', 'a\\u{200b}b\\u{202e}c\\u{e0041}d\\u{0}'],
    ['a sequence that does not end', '\u001b]0;begun', '\\u{1b}]0;begun'],
  ]
  for (const [name, text, expected] of cases) {
    it(`shows ${name}`, () => {
      assert.equal(shown(text), expected)
    })
  }

  it('is cut in the middle where it is too long', () => {
    assert.deepEqual(clipped('abcdef', 6), { text: 'abcdef', leftOut: 0 })
    assert.deepEqual(clipped('abcdefg', 4), { text: 'ab\n[… 3 characters left out …]\nfg', leftOut: 3 })
  })
})
