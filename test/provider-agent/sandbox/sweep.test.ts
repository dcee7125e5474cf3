import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../../../node/logger.ts'
import { watchHolders } from '../../../provider-agent/sandbox/sweep.ts'
import { createSimClock } from '../../support/sim-clock.ts'

const MINUTE = 60_000

function setUp() {
  const clock = createSimClock()
  const scope = new AbortController()
  const there = new Set<string>()
  const held = new Set<string>()
  const broken = new Set<string>()
  const engine = { isAway: false }
  const watching = watchHolders(
    {
      ...{ clock, logger: silentLogger },
      async unused() {
        if (engine.isAway) throw new Error('away')
        return [...there]
      },
      isHeld: (name) => held.has(name),
      async remove(name) {
        if (broken.has(name)) throw new Error('in use')
        there.delete(name)
      },
    },
    scope.signal,
  )
  return { clock, scope, there, held, broken, engine, watching }
}

describe('holders and networks that nobody has', () => {
  it('entry 53: go in time, whenever they came, and not what is held', async () => {
    const { clock, there, held } = setUp()
    for (const name of ['left', 'ready']) there.add(name)
    held.add('ready')
    await clock.advance(MINUTE)
    assert.deepEqual([...there], ['left', 'ready'], 'one may just be made')
    await clock.advance(2 * MINUTE)
    assert.deepEqual([...there], ['ready'])
    held.delete('ready')
    await clock.advance(3 * MINUTE)
    assert.deepEqual([...there], [])
  })

  it('entry 53: are taken up after each time that the engine was away, and one that stays keeps no other', async () => {
    const { clock, there, engine, broken } = setUp()
    for (let kills = 0; kills < 5; kills += 1) {
      engine.isAway = true
      await clock.advance(MINUTE)
      engine.isAway = false
      there.add(`held up ${kills}`).add(`left ${kills}`)
      broken.add(`held up ${kills}`)
      await clock.advance(3 * MINUTE)
    }
    assert.deepEqual(
      [...there],
      [0, 1, 2, 3, 4].map((kills) => `held up ${kills}`),
    )
    broken.clear()
    await clock.advance(MINUTE)
    assert.deepEqual([...there], [])
  })

  it('are left to who has them in between', async () => {
    const { clock, there, held } = setUp()
    there.add('lent')
    for (let turns = 0; turns < 6; turns += 1) {
      await clock.advance(MINUTE)
      held.add('lent')
      await clock.advance(MINUTE)
      held.delete('lent')
    }
    assert.deepEqual([...there], ['lent'])
  })

  it('are not looked for once the agent stops', async () => {
    const { clock, there, scope, watching } = setUp()
    there.add('left')
    scope.abort(new Error('stops'))
    await watching
    await clock.advance(5 * MINUTE)
    assert.deepEqual([...there], ['left'])
    assert.equal(clock.pending(), 0)
  })
})
