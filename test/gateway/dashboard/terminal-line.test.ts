import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { shownText, spansOf, styleBehind } from '../../../gateway/dashboard/src/jobs/logs/terminal-line.ts'
import { cssColor, PLAIN, RGB, type TextStyle } from '../../../gateway/dashboard/src/jobs/logs/text-style.ts'

describe('a line as a terminal shows it', () => {
  const shown: [string, string, string][] = [
    ['plain text', 'hello\tworld', 'hello\tworld'],
    ['a progress bar: each state over the one before', '10 %\r 50 %\r100 %', '100 %'],
    ['what is longer stays where it is not written over', 'downloading\rdone', 'doneloading'],
    ['the rest of the line erased', 'downloading\rdone\x1b[K', 'done'],
    ['erased from its beginning on', 'abcdef\x1b[3D\x1b[1K', '    ef'],
    ['erased whole, and written where one was', 'abc\x1b[2Kd', '   d'],
    ['a carriage return before the line end', 'windows\r', 'windows'],
    ['one step back', 'spin|\b/\b-', 'spin-'],
    ['columns', 'abcdef\x1b[2GX\x1b[5CY', 'aXcdef Y'],
    ['a tab behind an order', '\x1b[1mab\tc', 'ab      c'],
    ['characters of two units', '🐎🐎\r🐄', '🐄🐎'],
    ['orders that move about the screen', 'a\x1b[2J\x1b[10;10H\x1b[Ab\x1bMc', 'abc'],
    ['a title, and other strings to the terminal', 'a\x1b]0;title\x07b\x1bP1;2q\x1b\\c', 'abc'],
    ['what breaks off', 'a\x1b[', 'a'],
    ['other control characters', 'a\x00\x07b\x7f', 'ab'],
  ]
  for (const [name, line, expected] of shown) {
    it(`entry 47: ${name}`, () => assert.equal(shownText(line), expected))
  }

  const styles: [string, string, TextStyle][] = [
    ['a colour', '\x1b[31m', { fg: 1 }],
    ['a bright one, and its background', '\x1b[92;103m', { fg: 10, bg: 11 }],
    ['the table of 256', '\x1b[38;5;208;48;5;17m', { fg: 208, bg: 17 }],
    ['any colour', '\x1b[38;2;255;128;0m', { fg: RGB + 0xff8000 }],
    ['any colour, with colons', '\x1b[48:2::1:2:3m\x1b[38:2:4:5:6m', { fg: RGB + 0x040506, bg: RGB + 0x010203 }],
    ['the table, with colons, and more behind it', '\x1b[38:5:99;1m', { fg: 99, bold: true }],
    ['several at once', '\x1b[1;3;4;7;9m', { bold: true, italic: true, underline: true, inverse: true, strike: true }],
    ['taken back one by one', '\x1b[1;2;4;31m\x1b[22;24;39m', PLAIN],
    ['taken back', '\x1b[1;31;44m\x1b[m', PLAIN],
    ['no colour at all', '\x1b[38;5;999m\x1b[38;2;1;2m\x1b[77m', PLAIN],
  ]
  for (const [name, line, expected] of styles) {
    it(`entry 47: colours: ${name}`, () => {
      assert.deepEqual(styleBehind(line, PLAIN), expected)
      assert.deepEqual(spansOf(`${line}x`, PLAIN), [{ text: 'x', style: expected }])
    })
  }

  it('entry 47: keeps a style over what it does not change', () => {
    const red = styleBehind('\x1b[31mred', PLAIN)
    assert.deepEqual(spansOf('still', red), [{ text: 'still', style: { fg: 1 } }])
    assert.deepEqual(styleBehind('\x1b[1mbold', red), { fg: 1, bold: true })
    assert.equal(styleBehind('\x1b[0m', red), PLAIN)
  })

  it('entry 47: links lead where it is safe, and nowhere else', () => {
    const linked = (address: string) => spansOf(`a \x1b]8;id=1;${address}\x1b\\there\x1b]8;;\x1b\\ b`, PLAIN)
    assert.deepEqual(linked('https://example.com/?a=1;b'), [
      { text: 'a ', style: PLAIN },
      { text: 'there', style: PLAIN, href: 'https://example.com/?a=1;b' },
      { text: ' b', style: PLAIN },
    ])
    for (const address of [
      'javascript:alert(1)',
      'data:text/html,x',
      ' https://x',
      '/jobs',
      'file:///etc',
      '//x',
      'HTTPS',
    ]) {
      assert.deepEqual(linked(address), [{ text: 'a there b', style: PLAIN }], address)
    }
    assert.equal(linked(`https://${'x'.repeat(3_000)}`).length, 1)
  })

  it('colours of the table are those of xterm', () => {
    assert.deepEqual([16, 21, 196, 231, 232, 255, RGB, RGB + 0xff].map(cssColor), [
      'rgb(0 0 0)',
      'rgb(0 0 255)',
      'rgb(255 0 0)',
      'rgb(255 255 255)',
      'rgb(8 8 8)',
      'rgb(238 238 238)',
      '#000000',
      '#0000ff',
    ])
  })

  it('holds whatever a container writes', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom(
        '\x1b[',
        '\x1b]8;;',
        '\x1b[999999999C',
        '\x1b[99999P',
        '\r',
        '\t',
        '\b',
        '\x1b[K',
        '\x1b',
        'm',
        ';',
      ),
      fc.array(fc.integer({ min: 0, max: 300 })).map((codes) => `\x1b[${codes.join(';')}m`),
    )
    fc.assert(
      fc.property(
        fc.array(piece).map((pieces) => pieces.join('')),
        (line) => {
          const text = shownText(line)
          // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be left
          assert.doesNotMatch(text, /[\x00-\x08\x0a-\x1f\x7f]/)
          assert.ok(text.length <= line.length * 8 + 2_000, `${text.length}`)
          styleBehind(line, PLAIN)
        },
      ),
    )
  })
})
