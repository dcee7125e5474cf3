import assert from 'node:assert/strict'
import { test } from 'node:test'
import { entryOf } from '../../../provider-agent/reach/files/answers.ts'

test('a time of a file that messages do not have is the nearest that they have', () => {
  const file = { name: 'x', type: 'file' as const, size: 0, mode: 0o644, target: '' }
  const times = [1.5, -2_000, 9e15, -9e15, Number.NaN].map((mtimeMs) => entryOf({ ...file, mtimeMs }).mtimeMs)
  assert.deepEqual(times, [1n, -2_000n, 8_640_000_000_000_000n, -8_640_000_000_000_000n, 0n])
})
