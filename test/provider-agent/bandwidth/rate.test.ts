import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatRate, parseRate } from '../../../provider-agent/bandwidth/rate.ts'

test('rates are read as links are sold, and written so', () => {
  const cases: [string, number | null, string?][] = [
    ['100Mbit', 100e6, '100Mbit'],
    ['1.5gbit', 1.5e9, '1.5Gbit'],
    [' 800 kbit ', 800e3, '800kbit'],
    ['2000kbit', 2e6, '2Mbit'],
    ['1000Gbit', 1e12, '1000Gbit'],
    ['64kbit', 64e3, '64kbit'],
    ['63kbit', null],
    ['1001Gbit', null],
    ['100', null],
    ['100MB', null],
    ['-1Mbit', null],
    ['1e3Mbit', null],
    ['', null],
  ]
  for (const [text, bits, written] of cases) {
    assert.equal(parseRate(text), bits, text)
    if (bits !== null) assert.equal(formatRate(bits), written, text)
  }
})
