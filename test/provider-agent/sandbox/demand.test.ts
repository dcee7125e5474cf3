import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createDemand } from '../../../provider-agent/sandbox/demand.ts'
import { createSimClock } from '../../support/sim-clock.ts'

test('as many are wanted as came at once lately, within bounds', async () => {
  const clock = createSimClock()
  const demand = createDemand({ clock }, { least: 2, most: 8 })
  const ask = (count: number) => {
    for (let i = 0; i < count; i += 1) demand.note()
  }
  assert.equal(demand.wanted(), 2, 'nobody asked')
  for (let i = 0; i < 10; i += 1) {
    ask(1)
    await clock.advance(2_000)
  }
  assert.equal(demand.wanted(), 2, 'one after the other')
  ask(3)
  await clock.advance(1_500)
  ask(2)
  assert.equal(demand.wanted(), 5)
  await clock.advance(60_000)
  ask(4)
  assert.equal(demand.wanted(), 5, 'the most counts')
  await clock.advance(550_000)
  assert.equal(demand.wanted(), 4, 'until it is long ago')
  ask(1_000)
  assert.equal(demand.wanted(), 8)
  await clock.advance(600_000)
  assert.equal(demand.wanted(), 2)
})
