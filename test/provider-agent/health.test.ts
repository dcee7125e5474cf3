import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../../node/logger.ts'
import { createHealth } from '../../provider-agent/health.ts'
import { createFakeEngine } from '../support/fake-engine.ts'
import { createSimClock } from '../support/sim-clock.ts'

function setUp() {
  const clock = createSimClock()
  const engine = createFakeEngine({ clock })
  let obstacle: string | null = null
  const defect: string | null = null
  let disk: string | null = null
  let found = 0
  let unknowable = false
  const changes: (string | null)[] = []
  const health = createHealth(
    {
      ...{ engine, clock, logger: silentLogger },
      obstacles: [() => obstacle],
      defects: [() => defect],
      probes: [async () => disk],
      onEngine: async () => {
        if (unknowable) throw new Error('it ended while it was asked')
        found += 1
      },
    },
    { healthMs: 4_000 },
  )
  health.onChange(() => changes.push(health.paused()?.message ?? null))
  return {
    clock,
    engine,
    health,
    changes,
    found: () => found,
    setUnknowable(is: boolean) {
      unknowable = is
    },
    setDisk(text: string | null) {
      disk = text
    },
    setObstacle(text: string | null) {
      obstacle = text
    },
  }
}

describe('health', () => {
  it('takes nothing before it has seen the engine', async () => {
    const { health, changes, found } = setUp()
    assert.equal(health.paused()?.code, 'ENGINE_UNAVAILABLE')
    await health.start()
    assert.equal(health.paused(), null)
    assert.deepEqual([changes, found()], [[null], 1])
    await health.stop()
  })

  it('counts an engine as away that ends while its agent gets to know it, and looks again', async () => {
    const { health, clock, found, setUnknowable } = setUp()
    setUnknowable(true)
    await health.start()
    await clock.advance(4_000)
    assert.deepEqual([health.paused()?.code, found()], ['ENGINE_UNAVAILABLE', 0])
    setUnknowable(false)
    await clock.advance(4_000)
    assert.deepEqual([health.paused(), found()], [null, 1])
    await health.stop()
  })

  it('notices an engine that hangs, too, and its return', async () => {
    const { health, engine, clock, found } = setUp()
    await health.start()
    const answer = engine.info
    engine.info = async ({ signal } = {}) =>
      await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
    await clock.advance(8_000)
    assert.equal(health.paused()?.code, 'ENGINE_UNAVAILABLE')
    engine.info = answer
    await clock.advance(8_000)
    assert.equal(health.paused(), null)
    assert.equal(found(), 2)
    await health.stop()
  })

  it('takes nothing while a probe says why', async () => {
    const { health, clock, setDisk } = setUp()
    await health.start()
    setDisk('has no room')
    await clock.advance(4_000)
    assert.equal(health.paused()?.message, 'has no room')
    setDisk(null)
    await clock.advance(4_000)
    assert.equal(health.paused(), null)
    await health.stop()
  })

  it('says what else stands in the way, and that it is drained before all else', async () => {
    const { health, setObstacle, changes } = setUp()
    await health.start()
    setObstacle('cannot write')
    health.refresh()
    health.refresh()
    health.drain(true)
    assert.equal(health.paused()?.code, 'DRAINING')
    health.drain(false)
    setObstacle(null)
    health.refresh()
    assert.deepEqual(changes, [null, 'cannot write', 'takes no new jobs: it is being drained', 'cannot write', null])
    await health.stop()
  })
})
