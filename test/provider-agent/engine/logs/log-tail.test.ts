import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createLogTail, findAfter } from '../../../../provider-agent/engine/logs/log-tail.ts'

test('the tail is the last 4 KiB of what was added', () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 6_000 }), { maxLength: 8 })
  fc.assert(
    fc.property(sizes, (list) => {
      const tail = createLogTail()
      let all = Buffer.alloc(0)
      for (const [i, size] of list.entries()) {
        const piece = Buffer.alloc(size, i + 1)
        tail.add(Buffer.concat([piece, Buffer.from('not yet')]), size)
        all = Buffer.concat([all, piece])
      }
      assert.deepEqual(tail.bytes(), all.subarray(Math.max(0, all.length - 4_096)))
    }),
  )
})

test('what comes behind the tail is found, and only where there is one place for it', () => {
  const cases: [string, string, string, string | null][] = [
    ['in the middle', 'bc', 'abcde', 'de'],
    ['at the end', 'de', 'abcde', ''],
    ['not there', 'xy', 'abcde', null],
    ['twice', 'ab', 'abcab', null],
    ['overlapping itself', 'aa', 'aaa', null],
    ['nothing remembered', '', 'abc', null],
  ]
  for (const [name, tail, window, expected] of cases) {
    assert.equal(findAfter(Buffer.from(tail), Buffer.from(window))?.toString() ?? null, expected, name)
  }
})
