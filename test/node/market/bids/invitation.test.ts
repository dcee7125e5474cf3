import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chooseInvited, type InvitationInit, isSuitable } from '../../../../node/market/bids/invitation.ts'
import { type JobSubmission, jobSubmissionSchema } from '../../../../protocol/job-spec.ts'
import { encodedRequirements } from '../../../../protocol/job-wire.ts'
import { readRequirements } from '../../../../protocol/market-messages.ts'
import { providerView } from '../../../gateway/support/test-node.ts'
import { aKind } from '../../../support/gpus.ts'

const wanted = (job: Partial<JobSubmission> = {}) =>
  readRequirements(encodedRequirements(jobSubmissionSchema.parse({ image: 'busybox', cpu: 500, ...job })))

/** Providers `p0`, `p1`, … of which each is a nano-dollar dearer than the one before. */
const market = (count: number) =>
  Array.from({ length: count }, (_, i) => {
    const { prices } = providerView()
    return providerView({
      provider: `p${i}`,
      prices: { ...prices, cpuPerCoreHour: prices.cpuPerCoreHour + BigInt(i) * 1_000n },
    })
  })

const choose = (count: number, providers: number, init: Partial<InvitationInit> = {}): string[] =>
  chooseInvited(market(providers), {
    ...{
      requirements: wanted(),
      strategy: 'cost',
      count,
      trust: () => 1,
      isAwaited: () => true,
      isConnected: () => false,
    },
    ...init,
  }).map(({ provider }) => provider)

describe('who is asked', () => {
  it('everyone suitable, where they are few', () => {
    assert.deepEqual(choose(12, 4), ['p0', 'p1', 'p2', 'p3'])
  })

  it('half by what they announce, half by lot, nobody twice', () => {
    const seen = new Set<string>()
    for (let round = 0; round < 200; round += 1) {
      const asked = choose(12, 100)
      assert.deepEqual(asked.slice(0, 6), ['p0', 'p1', 'p2', 'p3', 'p4', 'p5'])
      assert.equal(new Set(asked).size, 12)
      for (const provider of asked) seen.add(provider)
    }
    assert.equal(seen.size, 100, 'the dearest and newest gets its chance as well')
  })

  it('not those that did not answer lately, and those that broke their word behind the others', () => {
    const asked = choose(4, 50, {
      isAwaited: (provider) => provider !== 'p0',
      trust: (provider) => (provider === 'p1' ? 0.3 : 1),
    })
    assert.deepEqual(asked.slice(0, 2), ['p2', 'p3'])
  })

  it('those that a minimum charge makes dear for so short a job last', () => {
    const providers = market(40).map((view, i) =>
      i < 3 ? { ...view, prices: { ...view.prices, minimumPerJob: 10_000_000n } } : view,
    )
    const init = {
      strategy: 'cost' as const,
      count: 4,
      trust: () => 1,
      isAwaited: () => true,
      isConnected: () => false,
    }
    const best = (duration: number): string[] =>
      chooseInvited(providers, { requirements: wanted({ duration }), ...init })
        .slice(0, 2)
        .map(({ provider }) => provider)
    assert.deepEqual(best(60), ['p3', 'p4'])
    assert.deepEqual(best(86_400), ['p0', 'p1'])
    const [dear] = providers
    assert.ok(dear)
    assert.equal(isSuitable(dear, wanted({ duration: 60, maxPrice: '0.05' })), false)
    assert.equal(isSuitable(dear, wanted({ duration: 3_600, maxPrice: '0.05' })), true)
  })

  it('the connected first, where offers are equal', () => {
    const twins = Array.from({ length: 40 }, (_, i) => providerView({ provider: `p${i}` }))
    const near = new Set(['p7', 'p20', 'p33'])
    const init = { requirements: wanted(), strategy: 'cost' as const, count: 6, trust: () => 1, isAwaited: () => true }
    const asked = chooseInvited(twins, { ...init, isConnected: (provider) => near.has(provider) })
    assert.deepEqual(new Set(asked.slice(0, 3).map(({ provider }) => provider)), near)
  })

  const gpus = [
    aKind({ count: 2, free: 2, pricePerHour: 2_100_000_000n }),
    aKind({ model: 'Tesla T4', memoryBytes: 15 * 2 ** 30, count: 2, free: 1, pricePerHour: 200_000_000n }),
  ]
  const room = { cpuMillis: 1_000, memoryBytes: 2 ** 33, storageBytes: 2 ** 36, gpu: 4 }
  const GPUS = { free: room, total: room, gpus, capabilities: ['gpu-requirements'] }
  const OLDER = {
    ...GPUS,
    gpus: gpus.map((kind) => ({ ...kind, vendor: '', free: null, pricePerHour: null })),
    capabilities: [],
  }
  const RUNS = { emulatedPlatforms: ['linux/arm64'], capabilities: ['platforms'] }
  const WALLS = {
    isolations: [
      { isolation: 'container', factorMillis: 1_000 },
      { isolation: 'gvisor', factorMillis: 2_000 },
    ],
    capabilities: ['isolation'],
  }
  const offer = { region: 'eu', labels: { disk: 'ssd' }, capabilities: ['gpu'], uptimeSeconds: 100 }
  const cases: [
    name: string,
    job: Partial<JobSubmission>,
    view: Parameters<typeof providerView>[0],
    suitable: boolean,
  ][] = [
    ['what fits', {}, {}, true],
    ['more than is free', { cpu: 2_000 }, {}, false],
    ['one that is late', {}, { status: 'degraded' }, false],
    ['one that takes nothing', {}, { pausedReason: 'is being drained' }, false],
    ['its region', { constraints: { region: 'eu' } }, {}, true],
    ['another region', { constraints: { region: 'us' } }, {}, false],
    ['its label', { constraints: { labels: { disk: 'ssd' } } }, {}, true],
    ['another label', { constraints: { labels: { disk: 'hdd' } } }, {}, false],
    ['a label of the prototype', { constraints: { labels: { toString: 'x' } } }, {}, false],
    ['enough uptime', { constraints: { minUptime: 100 } }, {}, true],
    ['more uptime', { constraints: { minUptime: 1_000 } }, {}, false],
    ['a price under the cap', { maxPrice: 0.006 }, {}, true],
    ['a price over the cap', { maxPrice: 0.004 }, {}, false],
    ['its platform', { platform: 'linux/x86_64' }, RUNS, true],
    ['a platform that it emulates', { platform: 'linux/arm64' }, RUNS, true],
    ['another platform', { platform: 'linux/s390x' }, RUNS, false],
    ['a platform, of an older provider', { platform: 'linux/amd64' }, { platforms: [] }, false],
    ['walls that it offers', { isolation: 'gvisor' }, WALLS, true],
    ['walls that it does not offer', { isolation: 'vm' }, WALLS, false],
    ['walls, of an older provider', { isolation: 'container' }, { isolations: [] }, false],
    ['walls that are not dearer than the cap', { isolation: 'container', maxPrice: 0.006 }, WALLS, true],
    ['walls that are', { isolation: 'gvisor', maxPrice: 0.006 }, WALLS, false],
    ['any GPU', { gpu: 1 }, GPUS, true],
    ['two of one kind', { gpu: 2 }, GPUS, true],
    ['three of no one kind', { gpu: 3 }, GPUS, false],
    ['its model', { gpu: 1, gpuRequirements: { models: ['h100'] } }, GPUS, true],
    ['another model', { gpu: 1, gpuRequirements: { models: ['rtx4090'] } }, GPUS, false],
    ['a model of which too few are free', { gpu: 2, gpuRequirements: { models: ['t4'] } }, GPUS, false],
    ['more VRAM', { gpu: 1, gpuRequirements: { minVram: '96Gi' } }, GPUS, false],
    ['a price of its model under the cap', { gpu: 1, maxPrice: 1, gpuRequirements: { models: ['t4'] } }, GPUS, true],
    ['a price of its model over the cap', { gpu: 1, maxPrice: 1, gpuRequirements: { models: ['h100'] } }, GPUS, false],
    ['an older provider, which mixes kinds', { gpu: 3 }, OLDER, true],
    ['an older provider, which heeds no models', { gpu: 1, gpuRequirements: { models: ['h100'] } }, OLDER, false],
  ]
  for (const [name, job, view, suitable] of cases) {
    it(`${name}: ${suitable ? 'is asked' : 'is not asked'}`, () => {
      assert.equal(isSuitable(providerView({ ...offer, ...view }), wanted(job)), suitable)
    })
  }
})
