import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemClock } from '../../node/clock.ts'
import { elapsedSince, jumpSince, momentBefore, momentNow } from '../../node/moment.ts'
import { createSimClock } from '../support/sim-clock.ts'

describe('moment', () => {
  it('is so long ago as it was, though the wall clock jumped', async () => {
    const clock = createSimClock()
    const then = momentNow(clock)
    clock.jump(-3_600_000)
    await clock.advance(1_000)
    assert.equal(elapsedSince(clock, then), 1_000)
    assert.equal(elapsedSince(clock, momentBefore(clock, 500)), 500)
  })

  it('is told by the wall clock after a reboot, and is never in the future', () => {
    const before = momentNow(createSimClock({ bootId: 'one' }))
    const clock = createSimClock({ bootId: 'two' })
    clock.jump(5_000)
    assert.equal(elapsedSince(clock, before), 5_000)
    clock.jump(-10_000)
    assert.equal(elapsedSince(clock, before), 0)
  })

  it('knows how far the wall clock has jumped since, as long as the machine is up', async () => {
    const clock = createSimClock()
    const then = momentNow(clock)
    await clock.advance(1_000)
    assert.equal(jumpSince(clock, then), 0)
    clock.jump(-3_600_000)
    assert.equal(jumpSince(clock, then), -3_600_000)
    assert.equal(jumpSince(createSimClock({ bootId: 'another' }), then), null)
    assert.equal(jumpSince(createSimClock({ bootId: null }), then), null)
  })

  it('is told by the system', () => {
    const boot = systemClock.sinceBoot?.() ?? null
    assert.ok(boot)
    assert.match(boot.bootId, /^[0-9a-f-]{36}$/)
    assert.ok(elapsedSince(systemClock, momentBefore(systemClock, 1_000)) >= 1_000)
  })
})
