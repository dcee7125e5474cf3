import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createReplayMemory } from '../../../provider-agent/bidding/replay-memory.ts'
import { createSimClock } from '../../support/sim-clock.ts'

const id = (number: number): Uint8Array => {
  const bytes = Buffer.alloc(16)
  bytes.writeUInt32BE(number)
  return bytes
}

describe('replay memory', () => {
  it('knows an id again, of the same author only', () => {
    const memory = createReplayMemory({ clock: createSimClock() })
    assert.equal(memory.first('a', id(1)), true)
    assert.equal(memory.first('a', id(1)), false)
    assert.equal(memory.first('b', id(1)), true, 'nobody spoils another’s request')
    assert.equal(memory.first('a', id(2)), true)
  })

  it('forgets after its time, counted on the monotonic clock', async () => {
    const clock = createSimClock()
    const memory = createReplayMemory({ clock }, { memoryMs: 1_000 })
    memory.first('a', id(1))
    clock.jump(10_000)
    await clock.advance(999)
    assert.equal(memory.first('a', id(1)), false)
    await clock.advance(1)
    assert.equal(memory.first('a', id(1)), true)
  })

  it('makes room at the expense of who floods', () => {
    const memory = createReplayMemory({ clock: createSimClock() }, { maxIds: 100 })
    memory.first('honest', id(0))
    for (let i = 0; i < 5_000; i += 1) memory.first('flooder', id(i))
    assert.equal(memory.first('honest', id(0)), false)
    assert.equal(memory.first('flooder', id(4_999)), false, 'its newest are still known')
    assert.equal(memory.first('flooder', id(0)), true, 'its oldest are not')
  })
})
