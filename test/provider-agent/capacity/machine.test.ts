import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { NO_RESOURCES, RESOURCE_KINDS, type Resources } from '../../../protocol/units.ts'
import { inspectMachine, type Machine, offerOf, sellableGpus } from '../../../provider-agent/capacity/machine.ts'
import type { EngineSurvey } from '../../../provider-agent/engine/index.ts'
import { createAgentRig } from '../../support/agent-rig.ts'
import { createFakeEngine } from '../../support/fake-engine.ts'
import { aGpu } from '../../support/gpus.ts'
import { createSimClock } from '../../support/sim-clock.ts'
import { until } from '../../support/until.ts'

const GPUS = [0, 1].map((index) => aGpu({ index, uuid: `GPU-0000000${index}`, model: 'NVIDIA A10', memoryBytes: 1 }))
const MACHINE = { cpuMillis: 4_000, memoryBytes: 1_001, freeStorageBytes: 10_000, gpus: GPUS }
const ALONE: EngineSurvey = { others: { cpuMillis: 0, memoryBytes: 0, gpus: [] }, writtenBytes: 0, ownGpus: [] }

function beside(others: Partial<EngineSurvey['others']>): EngineSurvey {
  return { ...ALONE, others: { ...ALONE.others, ...others } }
}

describe('capacity', () => {
  it('keeps the owner’s share, rounded in the owner’s favour, and no part of a GPU', () => {
    assert.deepEqual(offerOf(MACHINE, ALONE, { ownerShare: 0.1, caps: {} }), {
      cpuMillis: 3_600,
      memoryBytes: 900,
      storageBytes: 9_000,
      gpu: 2,
    })
  })

  it('is capped by the owner, and a cap adds nothing', () => {
    const offer = offerOf(MACHINE, ALONE, { ownerShare: 0, caps: { cpuMillis: 500, memoryBytes: 9_999, gpu: 0 } })
    assert.deepEqual(offer, { cpuMillis: 500, memoryBytes: 1_001, storageBytes: 10_000, gpu: 0 })
  })

  it('lets the owner’s containers use up the owner’s share, and takes off what they use beyond it', () => {
    const init = { ownerShare: 0.1, caps: {} }
    assert.equal(offerOf(MACHINE, beside({ cpuMillis: 400 }), init).cpuMillis, 3_600)
    const more = offerOf(
      MACHINE,
      beside({ cpuMillis: 1_500, memoryBytes: 500, gpus: [{ vendor: 'nvidia', first: 1 }] }),
      init,
    )
    assert.deepEqual([more.cpuMillis, more.memoryBytes, more.gpu], [2_500, 501, 1])
    assert.deepEqual(offerOf(MACHINE, beside({ cpuMillis: 9_000 }), init).cpuMillis, 0)
  })

  it('takes what jobs may still write off the free disk, and what they have written only once', () => {
    const held = 4_000
    for (const writtenBytes of [0, 1_000, 4_000]) {
      const free = { ...MACHINE, freeStorageBytes: 10_000 - writtenBytes }
      const { storageBytes } = offerOf(free, { ...ALONE, writtenBytes }, { ownerShare: 0, caps: {} })
      assert.equal(storageBytes - held, 6_000, `${writtenBytes} written`)
    }
  })

  it('looks at this machine: never more memory than it has, free storage where the engine keeps its data', async () => {
    const engine = createFakeEngine({ clock: createSimClock() })
    const info = { ...(await engine.info()), memoryBytes: 2 ** 50, dataRoot: process.cwd() }
    const machine = await inspectMachine(info)
    assert.equal(machine.cpuMillis, info.cpuMillis)
    assert.ok(machine.memoryBytes > 2 ** 20 && machine.memoryBytes < 2 ** 50)
    assert.ok(machine.freeStorageBytes > 0)
    assert.deepEqual(machine.gpus, [])
  })

  it('sells no GPU that is not well, but counts one that a job has until it ends', () => {
    const gpus = GPUS.map((gpu, place) => ({ ...gpu, problem: place === 0 ? 'is too hot' : null }))
    const [ill, well] = gpus.map(({ uuid }) => uuid)
    const sold = (survey: EngineSurvey) => sellableGpus({ ...MACHINE, gpus }, survey).map(({ uuid }) => uuid)
    assert.deepEqual(sold(ALONE), [well])
    assert.deepEqual(sold({ ...ALONE, ownGpus: [ill ?? ''] }), [ill, well])
    assert.equal(offerOf({ ...MACHINE, gpus }, ALONE, { ownerShare: 0, caps: {} }).gpu, 1)
  })

  it('says of a GPU that the engine cannot give to containers what to install', async () => {
    const engine = createFakeEngine({ clock: createSimClock() })
    const [gpu = aGpu()] = GPUS
    const problems = async (nvidia: boolean) => {
      const info = { ...(await engine.info()), gpuDriver: { nvidia, cdi: [] } }
      return (await inspectMachine(info, async () => ({ gpus: [gpu], unsold: [] }))).gpus.map(({ problem }) => problem)
    }
    assert.deepEqual(await problems(true), [null])
    assert.match((await problems(false))[0] ?? '', /NVIDIA Container Toolkit/)
  })

  it('falls back to the mounts where the engine’s folder cannot be seen', async () => {
    const engine = createFakeEngine({ clock: createSimClock() })
    const machine = await inspectMachine({ ...(await engine.info()), dataRoot: '/no/such/folder' })
    assert.ok(machine.freeStorageBytes > 0)
  })
})

describe('a machine that changes under its agent', () => {
  it('is measured again: leases stay, and nothing new fits until it has grown', async () => {
    const rig = await createAgentRig({ engine: { cpuMillis: 4_000, memoryBytes: 8 * 2 ** 30 }, measureMs: 10_000 })
    const running = await rig.run({ cpu: 3_000 })
    await rig.container(running.name)
    rig.engine.surveyed = beside({ cpuMillis: 2_000 })
    await rig.clock.advance(10_000)
    const { total, free, leases } = rig.agent.status()
    assert.deepEqual([total.cpuMillis, free.cpuMillis, leases.length], [2_000, 0, 1])
    assert.equal((await (await rig.requester.ask({ cpu: 100 })).answer()).decline?.code, 'INSUFFICIENT_CAPACITY')
    rig.engine.surveyed = ALONE
    await rig.clock.advance(10_000)
    assert.equal(rig.agent.status().free.cpuMillis, 1_000)
    assert.ok((await (await rig.requester.ask({ cpu: 100 })).answer()).bid)
    ;(await rig.container(running.name)).exit(0)
    assert.equal((await running.follow.report('ended')).exitCode, 0)
    await rig.settle(running)
    await rig.stop()
  })

  it('keeps an open bid, which can be awarded still', async () => {
    const rig = await createAgentRig({ engine: { cpuMillis: 4_000, memoryBytes: 8 * 2 ** 30 }, measureMs: 1_000 })
    const asked = await rig.requester.ask({ cpu: 3_000 })
    const { bid } = await asked.answer()
    assert.ok(bid)
    rig.engine.surveyed = beside({ cpuMillis: 4_000 })
    await rig.clock.advance(1_000)
    assert.deepEqual(rig.agent.status().total, { ...rig.agent.status().total, cpuMillis: 0 })
    assert.equal((await rig.requester.award(asked, bid)).accepted, true)
    await rig.stop()
  })

  const GIB = 2 ** 30
  const LARGE: Machine = { cpuMillis: 4_000, memoryBytes: 8 * GIB, freeStorageBytes: 100 * GIB, gpus: GPUS }
  const shrunk: [what: string, machine: Partial<Machine>, survey: EngineSurvey, kind: keyof Resources][] = [
    ['the owner’s containers take its memory', {}, beside({ memoryBytes: 7 * GIB }), 'memoryBytes'],
    ['it has less memory', { memoryBytes: GIB }, ALONE, 'memoryBytes'],
    ['its disk fills up', { freeStorageBytes: 0 }, ALONE, 'storageBytes'],
    ['its GPUs are gone', { gpus: [] }, ALONE, 'gpu'],
    ['the owner’s container takes a GPU', {}, beside({ gpus: [{ vendor: 'nvidia', ids: ['0'] }] }), 'gpu'],
    ['nothing is left of it', { cpuMillis: 0, memoryBytes: 0, freeStorageBytes: 0, gpus: [] }, ALONE, 'cpuMillis'],
  ]
  for (const [what, less, survey, kind] of shrunk) {
    it(`${what}: the lease goes on, across a restart too; nothing below zero is offered, and nothing new fits`, async () => {
      let machine = LARGE
      const components = { inspect: async () => machine }
      const rig = await createAgentRig({ components, measureMs: 10_000, announceMs: 3_600_000 })
      const running = await rig.run({ cpu: 3_000, memory: '6Gi', storage: '50Gi', gpu: 2 })
      const container = await rig.container(running.name)
      const whole = rig.agent.status().total
      machine = { ...LARGE, ...less }
      rig.engine.surveyed = survey
      await rig.clock.advance(10_000)
      const seen = rig.agent.status()
      assert.ok(seen.total[kind] < whole[kind], `${seen.total[kind]}`)
      await rig.restart()
      for (const { free, leases } of [seen, rig.agent.status()]) {
        assert.equal(free[kind], 0)
        for (const one of RESOURCE_KINDS) assert.ok(free[one] >= 0, `${one}: ${free[one]}`)
        assert.equal(leases.length, 1)
      }
      const asked = { ...{ cpu: 100, memory: '16Mi', storage: '16Mi' }, gpu: kind === 'gpu' ? 1 : 0 }
      const { decline } = await (await rig.requester.ask(asked)).answer()
      assert.match(decline?.code ?? '', /^(INSUFFICIENT|OVER_TOTAL)_CAPACITY$/)
      assert.equal(container.state, 'running')
      container.exit(0)
      await until(() => rig.agent.status().leases[0]?.outcome === 'exited')
      await rig.stop()
    })
  }

  it('offers as before while the engine cannot be asked', async () => {
    const rig = await createAgentRig({ engine: { cpuMillis: 4_000, memoryBytes: 8 * 2 ** 30 }, measureMs: 1_000 })
    rig.engine.setGone(true)
    await rig.clock.advance(5_000)
    assert.notDeepEqual(rig.agent.status().total, NO_RESOURCES)
    await rig.stop()
  })
})
