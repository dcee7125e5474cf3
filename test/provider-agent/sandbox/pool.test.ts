import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { silentLogger } from '../../../node/logger.ts'
import type { Sandbox } from '../../../provider-agent/networks/network-mode.ts'
import { createPool, type Pool } from '../../../provider-agent/sandbox/pool.ts'
import { createSimClock } from '../../support/sim-clock.ts'

/** Made in a second each. */
const MAKE_MS = 1_000

describe('sandbox pool', () => {
  let pool: Pool | null = null
  afterEach(async () => await pool?.stop())

  function open(least: number) {
    const clock = createSimClock()
    const made: string[] = []
    const removed: string[] = []
    const ends = new Map<string, () => void>()
    const rig = { clock, made, removed, ends, failing: false }
    const make = async (): Promise<Sandbox> => {
      await clock.sleep(MAKE_MS)
      if (rig.failing) throw new Error('no')
      const name = `s${made.length + 1}`
      made.push(name)
      return { id: `id-${name}`, name }
    }
    const own = createPool(
      {
        ...{ clock, logger: silentLogger, make },
        remove: async ({ name }) => void removed.push(name),
        untilOver: async ({ name }, signal) => {
          const { promise, resolve } = Promise.withResolvers<void>()
          ends.set(name, resolve)
          signal.addEventListener('abort', () => resolve())
          await promise
        },
      },
      { least, ready: [{ id: 'id-first', name: 'first' }] },
    )
    pool = own
    return { ...rig, rig, pool: own }
  }

  it('keeps so many ready, gives each away once, and makes new ones when nobody has asked for a moment', async () => {
    const { pool, clock, made } = open(2)
    assert.equal(pool.size(), 1)
    await clock.advance(MAKE_MS)
    assert.equal(pool.size(), 2)
    assert.deepEqual([pool.take()?.name, pool.take()?.name, pool.take()], ['first', 's1', null])
    await clock.advance(200)
    assert.equal(pool.take(), null)
    await clock.advance(200 + MAKE_MS - 1)
    assert.deepEqual(made, ['s1'], 'it waited, as somebody had asked again')
    await clock.advance(10 * MAKE_MS)
    assert.equal(pool.size(), 4, 'as many as were asked for at once')
    assert.equal(new Set(made).size, made.length)
  })

  it('more than are wanted go, after a while', async () => {
    const { pool, clock, removed } = open(1)
    for (let i = 0; i < 3; i += 1) pool.take()
    await clock.advance(10 * MAKE_MS)
    assert.equal(pool.size(), 3)
    await clock.advance(700_000)
    assert.equal(pool.size(), 1)
    assert.deepEqual(removed, ['s1', 's2'])
  })

  it('one that has ended is not given away, and removed', async () => {
    const { pool, clock, removed, ends } = open(1)
    ends.get('first')?.()
    await clock.advance(0)
    assert.equal(pool.take(), null)
    assert.deepEqual(removed, ['first'])
    await clock.advance(2 * MAKE_MS)
    assert.equal(pool.take()?.name, 's1')
    ends.get('s1')?.()
    await clock.advance(0)
    assert.deepEqual(removed, ['first'], 'what was given away is its container’s')
  })

  it('tries again where none can be made, less and less often', async () => {
    const { rig, pool, clock } = open(1)
    rig.failing = true
    pool.take()
    await clock.advance(300_000)
    assert.equal(pool.size(), 0)
    rig.failing = false
    await clock.advance(150_000)
    assert.equal(pool.size(), 1)
  })

  it('stops: one that is being made is waited for, and all that are ready are removed', async () => {
    const { pool, clock, made, removed } = open(3)
    await clock.advance(MAKE_MS / 2)
    const stopped = pool.stop()
    await clock.advance(MAKE_MS)
    await stopped
    assert.deepEqual(removed.toSorted(), ['first', ...made].toSorted())
    assert.equal(pool.take(), null)
  })
})
