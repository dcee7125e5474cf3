import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createRefusals } from '../../../node/network/refusals.ts'
import { createStanding } from '../../../node/network/standing.ts'
import { createSimClock } from '../../support/sim-clock.ts'

const MINUTE = 60_000

function createScene() {
  const clock = createSimClock()
  const refusals = createRefusals()
  return { clock, refusals, standing: createStanding({ clock, refusals }) }
}

describe('the standing of a peer', () => {
  it('is lost with the fifth breach of a quick series, for ten minutes', async () => {
    const { clock, refusals, standing } = createScene()
    for (let breach = 1; breach < 5; breach += 1) assert.equal(standing.penalise('a'), false, `breach ${breach}`)
    assert.equal(standing.isRefused('a'), false)
    assert.equal(standing.penalise('a'), true)
    assert.equal(standing.isRefused('a'), true)
    assert.equal(standing.isRefused('b'), false)
    assert.equal(standing.penalise('a'), true, 'and one more changes nothing')
    assert.deepEqual(refusals.totals(), { peer_refused: 1 })
    await clock.advance(10 * MINUTE + 1)
    assert.equal(standing.isRefused('a'), false)
    assert.equal(standing.penalise('a'), false)
  })

  it('recovers with time: a breach now and then is forgiven', async () => {
    const { clock, standing } = createScene()
    for (let breach = 1; breach <= 50; breach += 1) {
      assert.equal(standing.penalise('a'), false, `breach ${breach}`)
      await clock.advance(5 * MINUTE)
    }
  })

  it('can be lost at once', () => {
    const { standing } = createScene()
    standing.refuse('a')
    assert.equal(standing.isRefused('a'), true)
  })
})
