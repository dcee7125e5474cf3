import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspectMachine, offerOf } from '../../provider-agent/capacity.ts'
import { createFakeEngine } from '../support/fake-engine.ts'
import { createSimClock } from '../support/sim-clock.ts'

const MACHINE = { cpuMillis: 4_000, memoryBytes: 1_001, freeStorageBytes: 10_000, gpu: 2 }

describe('capacity', () => {
  it('keeps the owner’s share, rounded in the owner’s favour, and no part of a GPU', () => {
    assert.deepEqual(offerOf(MACHINE, { ownerShare: 0.1, caps: {} }), {
      cpuMillis: 3_600,
      memoryBytes: 900,
      storageBytes: 9_000,
      gpu: 2,
    })
  })

  it('is capped by the owner, and a cap adds nothing', () => {
    const offer = offerOf(MACHINE, { ownerShare: 0, caps: { cpuMillis: 500, memoryBytes: 9_999, gpu: 0 } })
    assert.deepEqual(offer, { cpuMillis: 500, memoryBytes: 1_001, storageBytes: 10_000, gpu: 0 })
  })

  it('looks at this machine: never more memory than it has, free storage where the engine keeps its data', async () => {
    const engine = createFakeEngine({ clock: createSimClock() })
    const info = { ...(await engine.info()), memoryBytes: 2 ** 50, dataRoot: process.cwd() }
    const machine = await inspectMachine(info)
    assert.equal(machine.cpuMillis, info.cpuMillis)
    assert.ok(machine.memoryBytes > 2 ** 20 && machine.memoryBytes < 2 ** 50)
    assert.ok(machine.freeStorageBytes > 0)
  })

  it('falls back to the mounts where the engine’s folder cannot be seen', async () => {
    const engine = createFakeEngine({ clock: createSimClock() })
    const machine = await inspectMachine({ ...(await engine.info()), dataRoot: '/no/such/folder' })
    assert.ok(machine.freeStorageBytes > 0)
  })
})
