import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../../../node/logger.ts'
import { type ContainerEngine, EngineError, type StorageUse } from '../../../provider-agent/engine/index.ts'
import type { Exceeded, LeaseRecord } from '../../../provider-agent/journal/records.ts'
import { volumeName } from '../../../provider-agent/lease/container.ts'
import type { Lease } from '../../../provider-agent/lease/lease.ts'
import { beyond, freeBytes, watchStorage } from '../../../provider-agent/lease/watch-storage.ts'
import { createSimClock } from '../../support/sim-clock.ts'

const volumes = [
  { name: 'a', mountPath: '/a', sizeBytes: 1_000 },
  { name: 'b', mountPath: '/b', sizeBytes: 2_000 },
]
/** 10,000 bytes in all, 7,000 of them the container's own. */
const record = {
  ...{ jobId: 'job_1', requester: 'somebody' },
  resources: { cpuMillis: 1, memoryBytes: 1, storageBytes: 10_000, gpu: 0 },
  job: { volumes },
} as unknown as LeaseRecord
const [A, B] = [volumeName('me', record, 'a'), volumeName('me', record, 'b')]

const use = (ownBytes: number, a = 0, b = 0, held: Partial<StorageUse> = {}): StorageUse => ({
  ...{ ownBytes, volumes: { [A]: a, [B]: b }, isHeld: false, areVolumesHeld: false },
  ...held,
})
const own = (used: number): Exceeded => ({ what: 'storage', limit: 7_000, used })
const volume = (name: string, limit: number, used: number): Exceeded => ({ what: 'volume', volume: name, limit, used })
const both = { isHeld: true, areVolumesHeld: true }

describe('limits of storage', () => {
  const cases: [what: string, used: StorageUse, failed: boolean, exceeded: Exceeded | null][] = [
    ['nothing', use(0), false, null],
    ['all of it', use(7_000, 1_000, 2_000), false, null],
    ['a byte more', use(7_001), false, own(7_001)],
    ['a byte more in the second volume', use(0, 1_000, 2_001), false, volume('b', 2_000, 2_001)],
    ['too much of everything', use(8_000, 5_000, 5_000), false, own(8_000)],
    ['another’s volume', { ...use(0), volumes: { stranger: 99_999 } }, false, null],
    ['all of it, and it failed', use(7_000, 1_000, 2_000), true, null],
    ['nearly all, held, and running', use(6_990, 990, 1_990, both), false, null],
    ['nearly all, held, and it failed', use(6_990, 0, 0, both), true, own(6_990)],
    ['nearly all of a volume, held, and it failed', use(10, 990, 0, both), true, volume('a', 1_000, 990)],
    ['nearly all of a volume that is not held, and it failed', use(10, 990, 0, { isHeld: true }), true, null],
    ['half, held, and it failed', use(3_500, 500, 1_000, both), true, null],
  ]
  for (const [what, used, failed, exceeded] of cases) {
    it(`${what}: ${exceeded === null ? 'within' : `beyond ${exceeded.volume ?? 'its own'}`}`, () => {
      assert.deepEqual(beyond(record, used, failed), exceeded)
    })
  }
})

it('so much is free as the tightest limit has that nothing holds', () => {
  assert.equal(freeBytes(record, null), 0, 'before it was measured')
  assert.equal(freeBytes(record, use(6_500, 100, 100)), 500)
  assert.equal(freeBytes(record, use(0, 950, 100)), 50)
  assert.equal(freeBytes(record, use(8_000)), 0)
  assert.equal(freeBytes(record, use(6_500, 100, 100, { isHeld: true })), 900)
  assert.equal(freeBytes(record, use(6_500, 100, 100, both)), Number.POSITIVE_INFINITY)
})

describe('near a limit that is held', () => {
  const MiB = 1024 ** 2
  for (const [limit, nearest] of [
    [4 * MiB, 3 * MiB],
    [16 * MiB, 14 * MiB],
    [100 * MiB, 95 * MiB],
  ] as const) {
    it(`is beyond ${nearest / MiB} of ${limit / MiB} MiB where the container failed`, () => {
      const sized = { ...record, job: {}, resources: { ...record.resources, storageBytes: limit } } as LeaseRecord
      assert.equal(beyond(sized, use(nearest, 0, 0, both), true), null)
      assert.deepEqual(beyond(sized, use(nearest + 1, 0, 0, both), true), { what: 'storage', limit, used: nearest + 1 })
    })
  }
})

describe('watching storage', () => {
  function setUp(storage: ContainerEngine['storage']) {
    const clock = createSimClock()
    const scope = new AbortController()
    const stop = new AbortController()
    const exceeded: Exceeded[] = []
    const looks: { atMs: number; around: boolean }[] = []
    const lease = {
      ...{ id: 'job_1-1', record, stopSignal: stop.signal },
      storage: { use: null },
      exceed: async (limit: Exceeded) => {
        exceeded.push(limit)
        stop.abort()
      },
    } as unknown as Lease
    const engine = {
      storage: async (name, options) => {
        looks.push({ atMs: clock.monotonicMs(), around: options?.around === true })
        return await storage(name, options)
      },
    } as ContainerEngine
    const watching = watchStorage({ engine, clock, logger: silentLogger, lease, name: 'x' }, 3_000, scope.signal)
    return { clock, scope, exceeded, looks, watching }
  }

  it('looks every few seconds, now and then at what no driver holds, and ends what went beyond', async () => {
    let ownBytes = 100
    const { clock, exceeded, looks, watching } = setUp(async () => use(ownBytes))
    await clock.advance(12_000)
    ownBytes = 9_000
    await clock.advance(30_000)
    await watching
    assert.deepEqual(exceeded, [own(9_000)])
    assert.deepEqual(
      looks.map(({ atMs, around }) => [atMs, around]),
      [
        [3_000, true],
        [6_000, false],
        [9_000, false],
        [12_000, true],
        [15_000, false],
      ],
    )
  })

  it('takes a tenth of the time at most', async () => {
    const { clock, looks, scope, watching } = setUp(async () => {
      await clock.sleep(2_000)
      return use(0)
    })
    await clock.advance(60_000)
    scope.abort()
    await watching
    assert.deepEqual(
      looks.map(({ atMs }) => atMs),
      [3_000, 25_000, 47_000],
    )
  })

  it('goes on after what cannot be measured, and ends with the container', async () => {
    const errors = [new EngineError('ENGINE_UNAVAILABLE', 'away'), new EngineError('ENGINE_ERROR', 'no')]
    const { clock, looks, exceeded, scope, watching } = setUp(async () => {
      const error = errors.shift()
      if (error !== undefined) throw error
      return use(0)
    })
    await clock.advance(9_000)
    assert.deepEqual([looks.length, exceeded], [3, []])
    scope.abort()
    await watching
    assert.equal(clock.pending(), 0)
  })
})
