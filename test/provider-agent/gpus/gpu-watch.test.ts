import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Gpu } from '../../../provider-agent/gpus/gpu.ts'
import { createGpuWatch } from '../../../provider-agent/gpus/gpu-watch.ts'
import { A100, aGpu, T4, TWO_GPUS } from '../../support/gpus.ts'
import { createSimClock } from '../../support/sim-clock.ts'

const MINUTE = 60_000

function rig() {
  const clock = createSimClock()
  const bed = { clock, gpus: TWO_GPUS as Gpu[] }
  const watch = createGpuWatch({ clock, find: async () => ({ gpus: bed.gpus, unsold: [] }) })
  return {
    ...bed,
    set: (gpus: Gpu[]) => {
      bed.gpus = gpus
    },
    sold: async () => (await watch.look()).gpus.flatMap(({ uuid, problem }) => (problem === null ? [uuid] : [])),
    problems: async () => (await watch.look()).gpus.map(({ problem }) => problem),
  }
}

const ILL = [aGpu({ problem: 'is too hot' }), ...TWO_GPUS.slice(1)]

test('a GPU that is not well is kept from sale alone, longer each time', async () => {
  const { clock, set, sold, problems } = rig()
  assert.deepEqual(await sold(), [A100, T4])
  for (const minutes of [1, 2, 4, 8, 16, 32, 60, 60]) {
    set(ILL)
    assert.deepEqual(await sold(), [T4], `ill, before ${minutes} minutes`)
    set(TWO_GPUS)
    await clock.advance(minutes * MINUTE - 1)
    assert.deepEqual(await problems(), ['is too hot', null], `within ${minutes} minutes`)
    await clock.advance(1)
    assert.deepEqual(await sold(), [A100, T4], `after ${minutes} minutes`)
  }
  await clock.advance(24 * 60 * MINUTE)
  assert.deepEqual(await sold(), [A100, T4])
  set(ILL)
  assert.deepEqual(await sold(), [T4])
  set(TWO_GPUS)
  await clock.advance(MINUTE)
  assert.deepEqual(await sold(), [A100, T4], 'an illness of long ago is forgotten')
})

test('one that its driver does not list any more is told of, and sold once it is back', async () => {
  const { clock, set, sold, problems } = rig()
  await sold()
  set(TWO_GPUS.slice(1))
  assert.match((await problems())[1] ?? '', /fallen off the bus/)
  assert.deepEqual(await sold(), [T4])
  set(TWO_GPUS)
  await clock.advance(MINUTE)
  assert.deepEqual(await sold(), [A100, T4])
})

test('a card that was divided is not lost, nor are parts that were joined', async () => {
  const { set, sold } = rig()
  const parts = [0, 1].map((place) => aGpu({ uuid: `MIG-0000000${place}`, part: { card: A100, place } }))
  await sold()
  set([...parts, ...TWO_GPUS.slice(1)])
  assert.deepEqual(await sold(), ['MIG-00000000', 'MIG-00000001', T4])
  set(TWO_GPUS)
  assert.deepEqual(await sold(), [A100, T4])
})
