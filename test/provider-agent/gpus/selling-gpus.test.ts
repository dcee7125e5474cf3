import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JobSubmission } from '../../../protocol/job-spec.ts'
import { parseUsd } from '../../../protocol/money.ts'
import { kindOf } from '../../../provider-agent/gpus/gpus.ts'
import { createAgentRig } from '../../support/agent-rig.ts'
import { aGpu, T4, TWO_GPUS } from '../../support/gpus.ts'

const GIB = 2 ** 30
const usd = (text: string) => parseUsd(text) ?? 0n
const [A100_GPU = aGpu(), T4_GPU = aGpu()] = TWO_GPUS
/** Two A100 and a T4. */
const GPUS = [A100_GPU, aGpu({ index: 2, uuid: 'GPU-00000002' }), T4_GPU]
const A100_JOB: Partial<JobSubmission> = { gpu: 1, gpuRequirements: { models: ['a100'], minVram: '40Gi' } }

async function rigOf() {
  const bed = { gpus: GPUS }
  const rig = await createAgentRig({
    engine: { cpuMillis: 64_000, memoryBytes: 256 * GIB },
    components: {
      inspect: async (info) => ({ ...info, freeStorageBytes: 100 * GIB, gpus: bed.gpus }),
    },
    gpuPrices: [
      { model: 'a100', pricePerHour: usd('2.1') },
      { model: 't4', pricePerHour: usd('0.2') },
    ],
    measureMs: 10_000,
  })
  const answer = async (job: Partial<JobSubmission>) => await (await rig.requester.ask(job)).answer()
  return { rig, bed, answer }
}

test('a bid says which GPU it offers, at that model’s price: any job the cheapest, and a job that asks what it asks for', async () => {
  const { rig, answer } = await rigOf()
  const rest = (await answer({})).bid?.pricePerHour ?? 0n
  const any = (await answer({ gpu: 1 })).bid
  assert.deepEqual([any?.gpu?.model, any?.gpu?.count, any?.pricePerHour], ['Tesla T4', 1, rest + usd('0.2')])
  const two = (await answer({ ...A100_JOB, gpu: 2 })).bid
  assert.deepEqual([two?.gpu?.model, two?.gpu?.count], ['NVIDIA A100-SXM4-40GB', 2])
  assert.equal(two?.pricePerHour, rest + 2n * usd('2.1'))
  assert.equal(two?.gpu?.compute, '8.0')
  const three = (await answer({ gpu: 3 })).decline
  assert.deepEqual([three?.code, three?.message.endsWith('3 of one kind asked')], ['GPU_MISMATCH', true])
  const other = (await answer({ gpu: 1, gpuRequirements: { vendor: 'amd' } })).decline
  assert.deepEqual([other?.code, other?.message.includes('amd asked, nvidia there')], ['GPU_MISMATCH', true])
  await rig.stop()
})

test('no kind is promised twice, and one that is held leaves the others; the container is made of that kind', async () => {
  const { rig, answer } = await rigOf()
  const first = await rig.run(A100_JOB)
  assert.equal((await rig.container(first.name)).spec.gpuKind, kindOf(A100_GPU))
  assert.ok((await answer(A100_JOB)).bid)
  assert.equal((await answer(A100_JOB)).decline?.code, 'INSUFFICIENT_CAPACITY')
  assert.equal((await answer({ gpu: 1 })).bid?.gpu?.model, 'Tesla T4')
  await rig.restart()
  assert.ok((await answer(A100_JOB)).bid, 'the bid is gone, the lease is not')
  assert.equal((await answer(A100_JOB)).decline?.code, 'INSUFFICIENT_CAPACITY')
  await rig.stop()
})

test('a GPU that falls ill is not sold, and the others are; the owner is told', async () => {
  const { rig, bed, answer } = await rigOf()
  bed.gpus = GPUS.map((gpu) =>
    gpu.uuid === T4 ? { ...gpu, problem: 'is too hot (94 C): look after its cooling' } : gpu,
  )
  await rig.clock.advance(10_000)
  const { gpus, unsoldGpus, total } = rig.agent.status()
  assert.deepEqual([total.gpu, gpus.length], [2, 2])
  assert.deepEqual(unsoldGpus, [{ name: `Tesla T4 (${T4})`, reason: 'is too hot (94 C): look after its cooling' }])
  assert.equal((await answer({ gpu: 1 })).bid?.gpu?.model, 'NVIDIA A100-SXM4-40GB')
  bed.gpus = GPUS
  await rig.clock.advance(10_000)
  assert.equal((await answer({ gpu: 1 })).bid?.gpu?.model, 'Tesla T4')
  await rig.stop()
})
