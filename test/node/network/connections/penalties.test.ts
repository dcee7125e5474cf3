import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createRefusals } from '../../../../node/network/bounds/refusals.ts'
import { createPenalties } from '../../../../node/network/connections/penalties.ts'
import { createSimClock } from '../../../support/sim-clock.ts'

const MINUTE = 60_000

function createScene() {
  const clock = createSimClock()
  const refusals = createRefusals()
  return { clock, refusals, penalties: createPenalties({ clock, refusals }) }
}

describe('the penalties of a peer', () => {
  it('is lost with the fifth breach of a quick series, for ten minutes', async () => {
    const { clock, refusals, penalties } = createScene()
    for (let breach = 1; breach < 5; breach += 1) assert.equal(penalties.penalise('a'), false, `breach ${breach}`)
    assert.equal(penalties.isRefused('a'), false)
    assert.equal(penalties.penalise('a'), true)
    assert.equal(penalties.isRefused('a'), true)
    assert.equal(penalties.isRefused('b'), false)
    assert.equal(penalties.penalise('a'), true, 'and one more changes nothing')
    assert.deepEqual(refusals.totals(), { peer_refused: 1 })
    await clock.advance(10 * MINUTE + 1)
    assert.equal(penalties.isRefused('a'), false)
    assert.equal(penalties.penalise('a'), false)
  })

  it('recovers with time: a breach now and then is forgiven', async () => {
    const { clock, penalties } = createScene()
    for (let breach = 1; breach <= 50; breach += 1) {
      assert.equal(penalties.penalise('a'), false, `breach ${breach}`)
      await clock.advance(5 * MINUTE)
    }
  })

  it('can be lost at once', () => {
    const { penalties } = createScene()
    penalties.refuse('a')
    assert.equal(penalties.isRefused('a'), true)
  })
})
