import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { silentLogger } from '../../../node/logger.ts'
import { openArrivals } from '../../../provider-agent/inputs/arrivals.ts'

const MIB = 2 ** 20

describe('how fast things have come in', () => {
  let kept: Map<string, number>
  const opened = async () =>
    await openArrivals({
      logger: silentLogger,
      journal: {
        rate: async (from) => kept.get(from) ?? 0,
        setRate: async (from, rate) => void kept.set(from, rate),
      },
    })
  beforeEach(() => {
    kept = new Map()
  })

  it('is not known before anything came', async () => {
    assert.equal((await opened()).rate('requester', 'a'), 0)
  })

  it('is that of the same one, else that of all such', async () => {
    const arrivals = await opened()
    arrivals.came('requester', 'a', { bytes: 10 * MIB, ms: 1_000 })
    arrivals.came('requester', 'b', { bytes: 2 * MIB, ms: 1_000 })
    assert.equal(arrivals.rate('requester', 'a'), 10 * MIB)
    assert.equal(arrivals.rate('requester', 'b'), 2 * MIB)
    assert.equal(arrivals.rate('requester', 'c'), 6 * MIB)
    assert.equal(arrivals.rate('registry', 'a'), 0)
  })

  it('follows what comes', async () => {
    const arrivals = await opened()
    arrivals.came('registry', 'docker.io', { bytes: 10 * MIB, ms: 1_000 })
    for (let i = 0; i < 10; i += 1) arrivals.came('registry', 'docker.io', { bytes: MIB, ms: 1_000 })
    assert.ok(arrivals.rate('registry', 'docker.io') < 1.1 * MIB)
  })

  it('learns nothing of what is small, or was all there', async () => {
    const arrivals = await opened()
    arrivals.came('requester', 'a', { bytes: 1_000, ms: 1_000 })
    arrivals.came('requester', 'a', { bytes: 0, ms: 0 })
    assert.equal(arrivals.rate('requester', 'a'), 0)
  })

  it('is known again after a restart, of all together', async () => {
    ;(await opened()).came('requester', 'a', { bytes: 4 * MIB, ms: 1_000 })
    assert.equal((await opened()).rate('requester', 'anybody'), 4 * MIB)
  })
})
