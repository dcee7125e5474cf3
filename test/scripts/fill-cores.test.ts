/** How many files run at the same time follows from whether processors are idle. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import PQueue from 'p-queue'
import { fillCores, type ProcessorTimes } from '../../scripts/testing/fill-cores.ts'

const GIB = 2 ** 30
const LOOK_MS = 1_000

test('one more begins at a look while processors are idle and there is memory, and none while they are full', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const queue = new PQueue({ concurrency: 2 })
  const ends: (() => void)[] = []
  for (let i = 0; i < 20; i += 1) void queue.add(() => new Promise<void>((resolve) => ends.push(resolve)))
  const seen: ProcessorTimes = { all: 0, idle: 0 }
  let room = 8 * GIB
  const stop = fillCores(queue, { most: 5, lookMs: LOOK_MS, times: () => ({ ...seen }), room: () => room })
  const after = (idle: number): [running: number, allowed: number] => {
    seen.all += 2 * LOOK_MS
    seen.idle += 2 * LOOK_MS * idle
    t.mock.timers.tick(LOOK_MS)
    return [queue.pending, queue.concurrency]
  }

  const looks: [what: string, idle: number, running: number, allowed: number][] = [
    ['neither idle nor full', 0.1, 2, 2],
    ['full, and there are as few as may be', 0, 2, 2],
    ['idle', 0.6, 3, 3],
    ['idle still', 0.6, 4, 4],
    ['idle still, up to the most', 0.6, 5, 5],
    ['idle, with the most', 0.9, 5, 5],
    ['full: the next one waits for two to end', 0, 5, 4],
    ['full still', 0, 5, 3],
    ['full still, down to what there was', 0, 5, 2],
    ['full still, with as few as may be', 0, 5, 2],
  ]
  for (const [what, idle, running, allowed] of looks) assert.deepEqual(after(idle), [running, allowed], what)

  room = 2 * GIB
  assert.deepEqual(after(0.6), [5, 2], 'idle, with no memory for another')
  stop()
  room = 8 * GIB
  assert.deepEqual(after(0.6), [5, 2], 'idle, when nobody looks any more')
})
