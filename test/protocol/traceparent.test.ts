import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readTraceparent } from '../../protocol/traceparent.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'
const good = `00-${TRACE}-${SPAN}-01`

describe('the trace context of a peer', () => {
  const cases: [what: string, text: string, read: string][] = [
    ['a recorded one', good, good],
    ['one that is not recorded', `00-${TRACE}-${SPAN}-00`, `00-${TRACE}-${SPAN}-00`],
    ['none', '', ''],
    ['another version', `01-${TRACE}-${SPAN}-01`, ''],
    ['no trace', `00-${'0'.repeat(32)}-${SPAN}-01`, ''],
    ['no span', `00-${TRACE}-${'0'.repeat(16)}-01`, ''],
    ['capitals', good.toUpperCase(), ''],
    ['flags that nobody knows', `00-${TRACE}-${SPAN}-ff`, ''],
    ['more behind it', `${good}-more`, ''],
    ['a line of its own behind it', `${good}\n`, ''],
    ['something long', 'x'.repeat(100_000), ''],
  ]
  for (const [what, text, read] of cases)
    it(`${what}: ${read === '' ? 'dropped' : 'kept'}`, () => assert.equal(readTraceparent(text), read))
})
