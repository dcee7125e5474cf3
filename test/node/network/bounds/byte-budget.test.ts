import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createByteBudget } from '../../../../node/network/bounds/byte-budget.ts'
import { createRefusals } from '../../../../node/network/bounds/refusals.ts'
import { createSimClock } from '../../../support/sim-clock.ts'

function setUp({ own = 1_000, total = 4_000 } = {}) {
  const clock = createSimClock()
  const refusals = createRefusals()
  const blamed: string[] = []
  const penalise = (peer: string, reason: string): void => void blamed.push(`${peer} ${reason}`)
  const rate = { own, total, spanMs: 10_000 }
  return { clock, refusals, blamed, budget: createByteBudget({ clock, refusals, penalise }, { name: 'test', rate }) }
}

describe('byte budget', () => {
  it('lets a peer send its own, and says when that is used up', () => {
    const { budget, refusals, blamed } = setUp()
    assert.deepEqual([budget.take('a', 600), budget.take('a', 600), budget.take('a', 400)], [true, false, true])
    assert.deepEqual(refusals.totals(), { 'test: BYTES': 1 })
    assert.deepEqual(blamed, ['a test: BYTES'])
  })

  it('takes a burst for one breach, and each second of going on for another', async () => {
    const { clock, budget, refusals, blamed } = setUp()
    for (let second = 0; second < 3; second += 1) {
      for (let stream = 0; stream < 10; stream += 1) assert.equal(budget.take('a', 2_000), false)
      await clock.advance(1_000)
    }
    assert.equal(blamed.length, 3)
    assert.equal(refusals.totals()['test: BYTES'], 30)
  })

  it('blames nobody for what all have sent together', () => {
    const { budget, refusals, blamed } = setUp()
    for (const peer of ['a', 'b', 'c', 'd', 'e']) assert.equal(budget.take(peer, 1_000), true)
    assert.equal(budget.take('f', 1_000), false)
    assert.deepEqual(refusals.totals(), { 'test: BYTES': 1 })
    assert.deepEqual(blamed, [])
  })
})
