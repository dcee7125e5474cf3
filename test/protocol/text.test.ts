import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { bidTable } from '../../node/commands/bid-table.ts'
import { escapeJson, escapeText, isArgument, isLine, isLines, shownName, toLine } from '../../protocol/text.ts'

const UNSAFE = [
  ...['\0', '\n', '\r', '\t', '\u0007', '\u001b', '\u007f', '\u009b', '\u009d', '\u2028', '\u2029', '\ud800'],
  ...['\u061c', '\u200e', '\u200f', '\u202a', '\u202e', '\u2066', '\u2069', '\u200b', '\u2060', '\ufeff'],
]

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

describe('isLines', () => {
  it('takes lines and tabs, and nothing else that isLine refuses', () => {
    for (const text of ['', 'a\nb', 'a\r\nb\n', '\tindented']) assert.ok(isLines(text), JSON.stringify(text))
    for (const char of UNSAFE) {
      assert.equal(isLines(`a${char}b`), char === '\n' || char === '\t', JSON.stringify(char))
    }
  })
})

describe('entry 17: what a terminal is shown', () => {
  const cases: [text: string, shown: string][] = [
    ['plain ünïcode 日本 🦀 👨\u200d👩', 'plain ünïcode 日本 🦀 👨\u200d👩'],
    ['\u001b[31mred\u001b[0m', '\\x1b[31mred\\x1b[0m'],
    ['\u001b]8;;http://evil\u0007click\u001b]8;;\u001b\\', '\\x1b]8;;http://evil\\x07click\\x1b]8;;\\x1b\\'],
    ['\u009b2J\u009d0;title\u009c', '\\x9b2J\\x9d0;title\\x9c'],
    ['a\nb\rc\td', 'a\\nb\\rc\\td'],
    ['abc\u202etxt.exe', 'abc\\u202etxt.exe'],
    ['\u2066x\u2069\u200e\ufeff', '\\u2066x\\u2069\\u200e\\ufeff'],
    ['\ud800', '\\ud800'],
    ['\u{e0001}', '\\u{e0001}'],
  ]
  for (const [text, shown] of cases) {
    it(`of ${JSON.stringify(text)} is ${shown}`, () => assert.equal(escapeText(text), shown))
  }

  it('is a line whatever the text, and the same when shown again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const shown = escapeText(text)
        return isLine(shown) && escapeText(shown) === shown
      }),
    )
  })

  it('of JSON is JSON of the same value, without what a terminal would act on', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
        const json = escapeJson(JSON.stringify(value, null, 2))
        assert.deepEqual(JSON.parse(json), JSON.parse(JSON.stringify(value)))
        return json.split('\n').every(isLine)
      }),
    )
  })
})

describe('shownName', () => {
  const ID = '12D3KooWAbCdEfGhIjKlMnOpQrStUvWxYz9kLmNoPq'
  it('tells peers apart that have no name, or one that may look like another’s', () => {
    for (const [name, shown] of [
      ['attic', 'attic'],
      ['rack 7_b-2', 'rack 7_b-2'],
      ['', '…9kLmNoPq'],
      ['\u0430ttic', '\u0430ttic (…9kLmNoPq)'], // begins with a Cyrillic a
      ['\u0430\u0441\u0435', '\u0430\u0441\u0435 (…9kLmNoPq)'], // all Cyrillic, and looks like ace
      ['\u0131ce', '\u0131ce (…9kLmNoPq)'], // a Latin i without its dot
      ['attic\u00a0', 'attic\u00a0 (…9kLmNoPq)'],
    ] as const) {
      assert.equal(shownName(name, ID), shown, JSON.stringify(name))
    }
  })

  it('is how a table of bids names them', () => {
    const bid = {
      attempt: 1,
      timestampMs: 1,
      outcome: 'declined',
      pricePerHour: null,
      score: null,
      reason: 'x',
    } as const
    const lines = bidTable([{ ...bid, provider: ID, name: '\u0430ttic' }])
    assert.match(lines.join('\n'), /^\u0430ttic \(…9kLmNoPq\) +declined/m)
  })
})
