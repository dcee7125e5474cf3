/** What an agent does about runtimes that do not run: on a fake engine and a simulated clock. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JobSubmission } from '../../../protocol/job-spec.ts'
import { readAnnouncement } from '../../../protocol/market-messages.ts'
import { EngineError } from '../../../provider-agent/engine/index.ts'
import { PLAIN_WALL, type Wall } from '../../../provider-agent/isolation/walls.ts'
import { createAgentRig } from '../../support/agent-rig.ts'
import { TWO_GPUS } from '../../support/gpus.ts'
import { MARKET } from '../../support/test-requester.ts'
import { until } from '../../support/until.ts'

const GVISOR: Wall = { isolation: 'gvisor', runtime: 'runsc', factorMillis: 1_500 }
const BROKEN = new EngineError('ENGINE_ERROR', 'runsc: no such device', {})

async function rigOf() {
  const said: Uint8Array[] = []
  const announce = async (statement: Uint8Array) => void said.push(statement)
  const rig = await createAgentRig({ walls: [PLAIN_WALL, GVISOR], components: { announce } })
  const answer = async (job: Partial<JobSubmission>) => await (await rig.requester.ask(job)).answer()
  const announced = async () => await readAnnouncement(said.at(-1) ?? new Uint8Array(), MARKET)
  const problems = () => rig.agent.status().isolations.map(({ problem }) => problem)
  const proofs = (isolation: string) => rig.engine.calls.filter((call) => call === `prove ${isolation}`).length
  /** Its runtime runs nothing any more, which is noticed when the engine comes again. */
  const breaks = async (isolation: string): Promise<void> => {
    rig.engine.unproved.set(isolation, BROKEN)
    rig.engine.setGone(true)
    await rig.clock.advance(10_000)
    rig.engine.setGone(false)
    await until(async () => {
      await rig.clock.advance(1_000)
      return rig.agent.status().isolations.some((one) => one.isolation === isolation && one.problem === BROKEN.message)
    })
  }
  return { rig, answer, announced, problems, proofs, breaks }
}

test('each class is tried before it is sold, announced with its factor, and bid at it', async () => {
  const { rig, answer, announced, proofs } = await rigOf()
  assert.deepEqual([proofs('container'), proofs('gvisor')], [1, 1])
  const { isolations, capabilities } = await announced()
  assert.deepEqual(isolations, [
    { isolation: 'container', factorMillis: 1_000 },
    { isolation: 'gvisor', factorMillis: 1_500 },
  ])
  assert.ok(capabilities.includes('isolation'))
  const [any, container, gvisor] = await Promise.all(
    [{}, { isolation: 'container' as const }, { isolation: 'gvisor' as const }].map(
      async (job) => (await answer(job)).bid,
    ),
  )
  assert.deepEqual(
    [any, container, gvisor].map((bid) => bid?.isolation),
    ['container', 'container', 'gvisor'],
  )
  assert.equal(gvisor?.pricePerHour, ((any?.pricePerHour ?? 0n) * 3n) / 2n)
  assert.equal(container?.pricePerHour, any?.pricePerHour)
  const vm = (await answer({ isolation: 'vm' })).decline
  assert.deepEqual([vm?.code, vm?.message], ['ISOLATION_MISMATCH', 'runs jobs under container, gvisor, vm asked'])
  const { name } = await rig.run({ isolation: 'gvisor' })
  assert.equal((await rig.container(name)).spec.isolation, 'gvisor')
  await rig.stop()
})

test('a class whose runtime runs nothing is not sold, its owner reads why, and it comes back by itself', async () => {
  const { rig, answer, announced, problems, proofs, breaks } = await rigOf()
  await breaks('gvisor')
  assert.deepEqual((await announced()).isolations, [{ isolation: 'container', factorMillis: 1_000 }])
  assert.equal((await answer({ isolation: 'gvisor' })).decline?.code, 'ISOLATION_MISMATCH')
  assert.equal((await answer({})).bid?.isolation, 'container')
  const before = proofs('gvisor')
  await rig.clock.advance(120_000)
  const tries = proofs('gvisor') - before
  assert.ok(tries >= 2 && tries <= 12, `${tries} tries in two minutes`)
  rig.engine.unproved.clear()
  await until(async () => {
    await rig.clock.advance(10_000)
    return problems()[1] === null
  })
  assert.equal((await answer({ isolation: 'gvisor' })).bid?.isolation, 'gvisor')
  await rig.stop()
})

test('without its default an agent sells nothing, and is impaired; the engine’s words stay with its owner', async () => {
  const { rig, answer, announced, breaks } = await rigOf()
  await breaks('container')
  await rig.clock.advance(5_000)
  const { pausedReason, impaired, isolations } = await announced()
  assert.deepEqual(
    [pausedReason, impaired, isolations],
    ['has not seen its engine run a container as it should', true, []],
  )
  assert.equal((await answer({})).decline?.code, 'ENGINE_UNAVAILABLE')
  await rig.stop()
})

test('a container that the engine did not start has its class tried again, and an award meanwhile is refused', async () => {
  const { rig, answer, problems, proofs } = await rigOf()
  await rig.clock.advance(15_000)
  rig.engine.script = () => ({ startError: BROKEN })
  const asked = await rig.requester.ask({ isolation: 'gvisor' })
  const { bid } = await asked.answer()
  assert.ok(bid)
  rig.engine.unproved.set('gvisor', BROKEN)
  await rig.run({ isolation: 'gvisor' })
  await until(() => proofs('gvisor') === 2 && problems()[1] === BROKEN.message)
  assert.equal(proofs('container'), 1)
  const reply = await rig.requester.award(asked, bid)
  assert.deepEqual([reply.accepted, reply.code], [false, 'ENGINE_UNAVAILABLE'])
  assert.equal((await answer({})).bid?.isolation, 'container')
  await rig.stop()
})

test('what a job asks for may keep it from starting again and again: a proof is believed for some seconds', async () => {
  const { rig, proofs } = await rigOf()
  await rig.clock.advance(15_000)
  rig.engine.script = () => ({ startError: BROKEN })
  for (let i = 0; i < 4; i += 1) {
    const { follow } = await rig.run({})
    await follow.report('ended')
  }
  assert.equal(proofs('container'), 2)
  await rig.stop()
})

test('GPUs are announced where a class is sold under which they are given', async () => {
  for (const [walls, count] of [
    [[PLAIN_WALL, GVISOR], 2],
    [[GVISOR, PLAIN_WALL], 2],
    [[GVISOR], 0],
  ] as [Wall[], number][]) {
    const said: Uint8Array[] = []
    const inspect = async (info: object) => ({ ...info, freeStorageBytes: 100 * 2 ** 30, gpus: TWO_GPUS })
    const components = { announce: async (statement: Uint8Array) => void said.push(statement), inspect }
    const rig = await createAgentRig({ walls, components: components as never })
    const { total, free, gpus } = await readAnnouncement(said.at(-1) ?? new Uint8Array(), MARKET)
    const what = walls.map(({ isolation }) => isolation).join(', ')
    assert.deepEqual([total.gpu, free.gpu, gpus.length], [count, count, count], what)
    await rig.stop()
  }
})
