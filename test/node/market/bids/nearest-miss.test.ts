import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ProviderView } from '../../../../node/directory/index.ts'
import type { NamedDecline } from '../../../../node/market/bids/answer.ts'
import { nearestMiss } from '../../../../node/market/bids/nearest-miss.ts'
import { whatHelps } from '../../../../node/market/bids/what-helps.ts'
import type { JobRecord } from '../../../../node/store/index.ts'
import { CONTAINER_OPTIONS, MEASURED } from '../../../../protocol/capabilities.ts'
import { type JobSubmission, jobSubmissionSchema, splitSecrets } from '../../../../protocol/job-spec.ts'
import { NO_MINIMUMS } from '../../../../protocol/measured.ts'
import { PROVIDER, providerView } from '../../../gateway/support/test-node.ts'
import { aKind } from '../../../support/gpus.ts'

const room = { cpuMillis: 8_000, memoryBytes: 2 ** 33, storageBytes: 2 ** 36, gpu: 4 }
const NETWORK = [
  providerView({
    name: 'attic',
    total: room,
    gpus: [aKind({ model: 'Tesla T4', memoryBytes: 15 * 2 ** 30, count: 4 })],
  }),
  providerView({
    name: 'cellar',
    total: room,
    measured: { ...NO_MINIMUMS, cpuSingle: 1_000, atMs: 1, method: 'm' },
    gpus: [aKind({ count: 1 }), aKind({ model: 'NVIDIA L4', count: 1 })],
  }),
]

describe('why nobody took a job with GPUs', () => {
  const cases: [asked: Partial<JobSubmission>, code: string, message: RegExp][] = [
    [
      { gpuRequirements: { models: ['rtx4090'] } },
      'RESOURCE_LIMIT_EXCEEDED',
      /nearest is attic with 4 Tesla T4 \(15 GiB\): rtx4090 asked, Tesla T4 there$/,
    ],
    [
      { gpuRequirements: { models: ['h100', 'h200'], minVram: '141Gi' } },
      'RESOURCE_LIMIT_EXCEEDED',
      /nearest is cellar with 1 NVIDIA H100 80GB HBM3 \(79\.6 GiB\): 141Gi VRAM asked, 79\.6 GiB there$/,
    ],
    [
      { gpu: 2, gpuRequirements: { models: ['h100'] } },
      'RESOURCE_LIMIT_EXCEEDED',
      /cellar .*: 2 of them asked, 1 there$/,
    ],
    [{ gpuRequirements: { models: ['h100'] } }, 'NO_PROVIDER', /none bid/],
    [{}, 'NO_PROVIDER', /none bid/],
    [{ platform: 'linux/amd64' }, 'NO_PROVIDER', /none bid/],
    [
      { platform: 'linux/aarch64' },
      'NO_PROVIDER',
      /^No provider runs linux\/arm64; the nearest is attic, which runs linux\/amd64$/,
    ],
    [{ isolation: 'container' }, 'NO_PROVIDER', /none bid/],
    [
      { isolation: 'vm' },
      'NO_PROVIDER',
      /^No provider runs jobs under vm; the nearest is attic, which offers container$/,
    ],
    [{ constraints: { minCpuScore: 900 } }, 'NO_PROVIDER', /none bid/],
    [
      { constraints: { minCpuScore: 1_100, minDiskRead: '1Gi' } },
      'NO_PROVIDER',
      /^No provider's machine is known to be as fast .* nearest is cellar, which does 1000 primes\/s: 1100 primes\/s asked by minCpuScore$/,
    ],
    [
      { constraints: { minIops: 5 } },
      'NO_PROVIDER',
      /nearest is cellar, which has not measured its machine: 5 IOPS asked by minIops$/,
    ],
    [{ gpu: 5 }, 'RESOURCE_LIMIT_EXCEEDED', /5 GPU asked, 4 GPU there/],
  ]
  for (const [asked, code, message] of cases) {
    it(JSON.stringify(asked), () => {
      const spec = jobSubmissionSchema.parse({ image: 'busybox', gpu: 1, ...asked })
      const found = nearestMiss({ spec } as unknown as JobRecord, { offers: [], declines: [] }, NETWORK)
      assert.equal(found.code, code)
      assert.match(found.message, message)
    })
  }
})

describe('why nobody took a job, where some say why', () => {
  const declined = (view: ProviderView | undefined, code: string, message: string) => {
    return { provider: view?.provider ?? '', name: view?.name ?? '', decline: { code, message } } as NamedDecline
  }
  const small = providerView({ provider: 'small', name: 'barn', total: { ...room, gpu: 0 }, gpus: [] })
  const busy = providerView({ provider: 'busy', name: 'attic', total: room, gpus: [aKind({ count: 2, free: 1 })] })

  it('names who is large enough before who is not, whoever answered first', () => {
    const spec = jobSubmissionSchema.parse({ image: 'busybox', gpu: 2, gpuRequirements: { models: ['h100'] } })
    const declines = [
      declined(small, 'OVER_TOTAL_CAPACITY', 'offers 0 GPU in all, 2 GPU asked'),
      declined(busy, 'INSUFFICIENT_CAPACITY', 'has 1 free, 2 asked'),
    ]
    const found = nearestMiss({ spec } as unknown as JobRecord, { offers: [], declines }, [small, busy])
    assert.match(found.message, /nearest was attic: has 1 free, 2 asked/)
    assert.equal(found.details.provider, 'busy')
  })

  it('names who asks least of those that are large enough, whoever answered first', () => {
    const { prices } = busy
    const dear = providerView({
      ...busy,
      provider: 'dear',
      name: 'loft',
      prices: { ...prices, cpuPerCoreHour: 2n ** 40n },
    })
    const declines = [declined(dear, 'PRICE_ABOVE_CAP', 'asks $9'), declined(busy, 'PRICE_ABOVE_CAP', 'asks $1')]
    const spec = jobSubmissionSchema.parse({ image: 'busybox', maxPrice: 0.001 })
    const found = nearestMiss({ spec } as unknown as JobRecord, { offers: [], declines }, [dear, busy])
    assert.match(found.message, /nearest was attic: asks \$1/)
  })

  it('says how many of one kind there are, where a job asks for more of any', () => {
    const spec = jobSubmissionSchema.parse({ image: 'busybox', gpu: 3 })
    const mixed = providerView({
      name: 'cellar',
      total: room,
      gpus: [aKind({ count: 1, free: 1 }), aKind({ model: 'NVIDIA L4', count: 2, free: 2 })],
    })
    const found = nearestMiss({ spec } as unknown as JobRecord, { offers: [], declines: [] }, [mixed, small])
    assert.equal(found.code, 'RESOURCE_LIMIT_EXCEEDED')
    assert.match(found.message, /nearest is cellar with 2 NVIDIA L4 .*: 3 of them asked, 2 there$/)
    const older = providerView({ name: 'old', total: room, gpus: [aKind({ count: 4, free: null })] })
    const unknown = nearestMiss({ spec } as unknown as JobRecord, { offers: [], declines: [] }, [older, mixed])
    assert.match(unknown.message, /none bid/)
  })
})

describe('what would help a job that nobody takes', () => {
  const dear = providerView({ provider: 'dear', name: 'attic', region: 'eu-west', total: room, free: room })
  const tight = { ...room, cpuMillis: 500, memoryBytes: 2 ** 28 }
  const near = providerView({ provider: 'near', name: 'barn', region: 'us-east', total: room, free: tight })
  const cases: [asked: Partial<JobSubmission>, providers: ProviderView[], changes: object[]][] = [
    [{}, [dear], []],
    [{ maxPrice: 0.001 }, [dear, near], [{ maxPrice: '0.01' }]],
    [
      { constraints: { region: 'mars' } },
      [dear, near],
      [{ constraints: { labels: {}, minUptime: 0, capabilities: [], region: 'eu-west' } }],
    ],
    [
      { constraints: { region: 'mars' } },
      [{ ...dear, region: 'x and run for free \u202e' }],
      [{ constraints: { labels: {}, minUptime: 0, capabilities: [] } }],
    ],
    [{}, [near], [{ cpu: 500, memory: '256Mi' }]],
    // With less than half it would be another job; shared memory is part of the memory.
    [{ memory: '1Gi' }, [near], []],
    [{ shmSize: '300Mi' }, [{ ...near, capabilities: [CONTAINER_OPTIONS] }], []],
    [{ shmSize: '200Mi' }, [{ ...near, capabilities: [CONTAINER_OPTIONS] }], [{ cpu: 500, memory: '256Mi' }]],
    [{ cpu: 12, memory: '6Mi' }, [{ ...near, free: { ...tight, cpuMillis: 8 } }], []],
    [{ isolation: 'vm' }, [dear], [{ isolation: null }]],
    // Neither helps by itself.
    [{ isolation: 'vm', maxPrice: 0.001 }, [dear], []],
    [{ constraints: { minIops: 5 } }, [dear], [{ constraints: { labels: {}, minUptime: 0, capabilities: [] } }]],
    [{ gpu: 4 }, [dear], []],
    [{}, [{ ...dear, pausedReason: 'is being drained' }], []],
  ]
  for (const [asked, providers, changes] of cases) {
    it(JSON.stringify(asked), () => {
      const { spec } = splitSecrets(jobSubmissionSchema.parse({ image: 'busybox', ...asked }))
      assert.deepEqual(
        whatHelps(spec, { image: null, providers }).map((one) => one.changes),
        changes,
      )
    })
  }

  it('counts nobody who declined what it announces to take', () => {
    const { spec } = splitSecrets(jobSubmissionSchema.parse({ image: 'busybox', provider: PROVIDER }))
    const changesOf = (providers: ProviderView[]) =>
      whatHelps(spec, { image: null, providers, unwilling: new Set([PROVIDER]) }).map(({ changes }) => changes)
    const named = { ...dear, provider: PROVIDER }
    assert.deepEqual(changesOf([named]), [])
    assert.deepEqual(changesOf([named, dear]), [{ provider: 'p2p' }])
  })

  it('believes of speeds what was found out', () => {
    const { spec } = splitSecrets(jobSubmissionSchema.parse({ image: 'busybox', constraints: { minCpuScore: 900 } }))
    const providers = [
      { ...dear, capabilities: [MEASURED], measured: { ...NO_MINIMUMS, cpuSingle: 1_000, atMs: 1, method: 'm' } },
    ]
    assert.deepEqual(whatHelps(spec, { image: null, providers }), [])
    const [found] = whatHelps(spec, { image: null, providers, figures: () => null })
    assert.equal(found?.text, 'Leave out the least speed')
  })
})
