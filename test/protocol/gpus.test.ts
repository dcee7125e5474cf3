import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  describeGpu,
  type GpuModel,
  type GpuRequirements,
  gpuLacks,
  isModel,
  pricesFor,
  suitableKinds,
} from '../../protocol/gpus.ts'
import { gpuRequirementsOf } from '../../protocol/job-gpus.ts'
import { GIB } from '../../protocol/units.ts'
import { ANY_GPU, aKind } from '../support/gpus.ts'

const MIB = 2 ** 20

describe('a model', () => {
  const cases: [model: string, asked: string, isMeant: boolean][] = [
    ['NVIDIA H100 80GB HBM3', 'h100', true],
    ['NVIDIA H100 80GB HBM3', 'H100 80gb', true],
    ['NVIDIA H100 80GB HBM3', 'nvidia h100 hbm3', true],
    ['NVIDIA H100 80GB HBM3', '80gb h100', false],
    ['NVIDIA H100 80GB HBM3', 'h10', false],
    ['NVIDIA A100-SXM4-40GB', 'a10', false],
    ['NVIDIA A100-SXM4-40GB', 'a100-40gb', true],
    ['NVIDIA A100-SXM4-40GB', 'a100 80gb', false],
    ['NVIDIA GeForce RTX 4090', 'rtx4090', true],
    ['NVIDIA GeForce RTX 4090', 'rtx 4090', true],
    ['NVIDIA GeForce RTX 4090', '4090', true],
    ['NVIDIA GeForce RTX 4080 SUPER', 'rtx4090', false],
    ['AMD Instinct MI300X OAM', 'mi300x', true],
    ['AMD Instinct MI300X OAM', 'MI300', false],
    ['Tesla T4', 't4', true],
    ['', 't4', false],
  ]
  for (const [model, asked, isMeant] of cases) {
    it(`"${asked}" ${isMeant ? 'means' : 'does not mean'} ${model}`, () => assert.equal(isModel(model, asked), isMeant))
  }
})

describe('what GPUs lack of what is asked', () => {
  const amd = { vendor: 'amd', model: 'AMD Instinct MI210', runtime: '12.9', compute: 'gfx90a', interconnect: 'pcie' }
  const cases: [what: string, gpu: Partial<GpuModel>, asked: Partial<GpuRequirements>, lacks: RegExp | null][] = [
    ['nothing asked', {}, {}, null],
    ['a vendor', {}, { vendor: 'amd' }, /^amd asked, nvidia there$/],
    ['one of several models', {}, { models: ['a100', 'h100'] }, null],
    ['none of several models', {}, { models: ['a100', 't4'] }, /^a100 or t4 asked, NVIDIA H100 80GB HBM3 there$/],
    ['80 GB of a card of 80 GB', {}, { minMemoryBytes: 80 * GIB }, null],
    ['24 GB of an A10 with ECC', { memoryBytes: 23_028 * MIB }, { minMemoryBytes: 24 * GIB }, null],
    ['16 GB of a T4', { memoryBytes: 15_360 * MIB }, { minMemoryBytes: 16 * GIB }, null],
    ['96 GB', {}, { minMemoryBytes: 96 * GIB }, /^96Gi VRAM asked, 79.6 GiB there$/],
    ['24 GB of a card of 22', { memoryBytes: 22 * GIB }, { minMemoryBytes: 24 * GIB }, /24Gi VRAM/],
    ['its own compute capability', {}, { minCompute: '9.0' }, null],
    ['an older one', {}, { minCompute: '8.9' }, null],
    ['a newer one', {}, { minCompute: '10.0' }, /^compute 10.0 asked, 9.0 there$/],
    ['an AMD target of NVIDIA’s', {}, { minCompute: 'gfx900' }, /compute/],
    ['its own target', amd, { minCompute: 'gfx90a' }, null],
    ['an older target', amd, { minCompute: 'gfx908' }, null],
    ['a newer target', amd, { minCompute: 'gfx942' }, /^compute gfx942 asked, gfx90a there$/],
    ['a newer target with more digits', amd, { minCompute: 'gfx1100' }, /gfx1100/],
    ['a capability that is not told', { compute: '' }, { minCompute: '7.0' }, /an unknown one there/],
    ['CUDA that it runs', {}, { minCuda: '12.4' }, null],
    ['older CUDA', {}, { minCuda: '11.8' }, null],
    ['newer CUDA', {}, { minCuda: '12.10' }, /^CUDA 12.10 asked, 12.4 there$/],
    ['CUDA of ROCm', amd, { minCuda: '12.4' }, /CUDA 12.4 asked, an unknown one there/],
    ['its interconnect', {}, { interconnect: 'nvlink' }, null],
    ['another interconnect', {}, { interconnect: 'xgmi' }, /xgmi asked, nvlink there/],
    ['a word of a newer version', {}, { vendor: 'else' }, /else asked/],
  ]
  for (const [what, gpu, asked, lacks] of cases) {
    it(what, () => {
      const found = gpuLacks(aKind(gpu), { ...ANY_GPU, ...asked })
      if (lacks === null) assert.deepEqual(found, [])
      else assert.match(found.join('; '), lacks)
    })
  }
})

describe('kinds for a job', () => {
  const h100 = aKind({ count: 4, pricePerHour: 2_100n })
  const t4 = aKind({ model: 'Tesla T4', memoryBytes: 15 * GIB, count: 2, pricePerHour: 300n })
  const l4 = aKind({ model: 'NVIDIA L4', memoryBytes: 22 * GIB, count: 1 })
  const names = (gpu: number, asked?: Partial<GpuRequirements>) =>
    suitableKinds(
      [h100, t4, l4],
      { resources: { gpu }, ...(asked && { gpuRequirements: { ...ANY_GPU, ...asked } }) },
      300n,
    ).map(({ model }) => model)

  it('are those that are right and large enough, the cheapest and then the least first', () => {
    assert.deepEqual(names(1), ['Tesla T4', 'NVIDIA L4', 'NVIDIA H100 80GB HBM3'])
    assert.deepEqual(names(2), ['Tesla T4', 'NVIDIA H100 80GB HBM3'])
    assert.deepEqual(names(1, { models: ['l4', 'h100'] }), ['NVIDIA L4', 'NVIDIA H100 80GB HBM3'])
    assert.deepEqual(names(5), [])
  })

  it('have prices of their own, or that of any', () => {
    const prices = { gpuPerHour: 500n }
    const priced = (gpu: number, models: string[] = [], gpus = [h100, t4, l4]) =>
      pricesFor(prices, gpus, {
        resources: { gpu },
        ...(models.length > 0 && { gpuRequirements: { ...ANY_GPU, models } }),
      })?.gpuPerHour
    assert.equal(priced(0), 500n)
    assert.equal(priced(1), 300n)
    assert.equal(priced(1, ['h100']), 2_100n)
    assert.equal(priced(1, ['l4']), 500n)
    assert.equal(priced(1, ['b200']), undefined)
    const older = [h100, t4].map((kind) => ({ ...kind, free: null, pricePerHour: null }))
    assert.equal(priced(6, [], older), 500n, 'an older provider mixes kinds')
  })

  it('are told with their memory, and parts of cards with their profile', () => {
    assert.equal(describeGpu(h100, 2), '2 NVIDIA H100 80GB HBM3 (79.6 GiB)')
    assert.equal(describeGpu(aKind({ migProfile: '1g.10gb', model: '' }), 1), '1 GPU (MIG 1g.10gb, 79.6 GiB)')
  })
})

it('nothing asked of GPUs is nothing said', () => {
  assert.equal(gpuRequirementsOf(undefined), null)
  assert.equal(gpuRequirementsOf({}), null)
  assert.deepEqual(gpuRequirementsOf({ cuda: '>=12.4', minVram: '24Gi' }), {
    ...ANY_GPU,
    minCuda: '12.4',
    minMemoryBytes: 24 * GIB,
  })
})
