import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { openMarket, type TestMarket } from './support/market.ts'

describe('jobs that extend themselves', () => {
  let market: TestMarket
  before(async () => {
    market = await openMarket()
    await market.addSeller({ name: 'patient' })
    await market.addSeller({ name: 'strict', agent: { allowExtension: false, labels: { strict: 'yes' } } })
  })
  after(async () => {
    await market.close()
  })

  test('run on to maxDuration, and not beyond; where the provider refuses, to their duration', async () => {
    // Long enough for a busy machine to ask in the last quarter of each.
    const wish = { duration: 16, autoExtend: true, maxDuration: 40 }
    const [extended, limited, refused] = await Promise.all([
      market.run('sleep 20', { ...wish, constraints: { capabilities: ['extend'] } }),
      market.run('sleep 60', { ...wish, constraints: { capabilities: ['extend'] } }),
      market.run('sleep 60', { ...wish, constraints: { labels: { strict: 'yes' } } }),
    ])
    assert.equal(extended.state.status, 'completed')
    assert.ok(extended.durationSeconds >= 32)
    const ends = [limited, refused].map(({ state, durationSeconds }) => {
      return [state.status === 'failed' ? state.failure.code : state.status, durationSeconds]
    })
    assert.deepEqual(ends, [
      ['DURATION_EXCEEDED', 40],
      ['DURATION_EXCEEDED', 16],
    ])
    const events = (await market.node.store.events(limited.id)).map(({ type }) => type)
    assert.equal(events.filter((type) => type === 'extended').length, 2)
  })
})
