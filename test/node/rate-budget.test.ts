import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createRateBudget, type RateBudget } from '../../node/rate-budget.ts'
import { createSimClock } from '../support/sim-clock.ts'

function setUp({ own = 10, total = 40 } = {}) {
  const clock = createSimClock()
  return { clock, budget: createRateBudget({ clock }, { own, total, spanMs: 10_000 }) }
}

/** How often a peer may take one, trying `times`. */
function takes(budget: RateBudget, peer: string, times: number): number {
  return Array.from({ length: times }, () => budget.take(peer)).filter((taken) => taken === 'taken').length
}

describe('rate budget', () => {
  it('gives each peer its own, and no more', () => {
    const { budget } = setUp()
    assert.deepEqual([takes(budget, 'a', 15), takes(budget, 'b', 15)], [10, 10])
  })

  it('gives it back evenly, up to as much again', async () => {
    const { clock, budget } = setUp()
    takes(budget, 'a', 10)
    await clock.advance(5_000)
    assert.equal(takes(budget, 'a', 15), 5)
    await clock.advance(60_000)
    assert.equal(takes(budget, 'a', 15), 10)
  })

  it('is not moved by the wall clock', () => {
    const { clock, budget } = setUp()
    takes(budget, 'a', 10)
    clock.jump(3_600_000)
    assert.equal(takes(budget, 'a', 15), 0)
  })

  it('bounds all together, and keeps a quarter of that for those who have hardly asked', () => {
    const { budget } = setUp()
    for (const flooder of ['a', 'b', 'c', 'd']) assert.equal(takes(budget, flooder, 20), 10)
    assert.equal(takes(budget, 'honest', 1), 1)
    assert.equal(budget.take('late', 5), 'taken')
    assert.equal(budget.take('late', 5), 'total')
    assert.ok(takes(budget, 'e', 20) <= 2, 'the reserve is for the modest')
    let more = 0
    for (let i = 0; i < 100; i += 1) more += takes(budget, `name ${i}`, 20)
    assert.ok(more <= 10, 'and it ends as well, however many names ask')
  })

  it('takes whole amounts or nothing', () => {
    const { budget } = setUp()
    assert.equal(budget.take('a', 11), 'own')
    assert.equal(budget.take('a', 10), 'taken')
  })
})
