import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { silentLogger } from '../../../../node/logger.ts'
import { rank } from '../../../../node/market/bids/ranking.ts'
import { createSpeeds } from '../../../../node/market/reputation/speeds.ts'
import type { SpeedRecord } from '../../../../node/store/index.ts'
import { type Measured, NO_MINIMUMS } from '../../../../protocol/measured.ts'

const said = (fields: Partial<Measured> = {}): Measured => ({
  ...{ ...NO_MINIMUMS, cpuSingle: 3_000, cpuAll: 24_000, memoryBandwidth: 9e9, iops: 90_000 },
  ...{ method: 'cortex-1', atMs: 1, ...fields },
})
const truth = { ...NO_MINIMUMS, cpuSingle: 1_000, memoryBandwidth: 9e9, method: 'cortex-1' }

function rig() {
  const kept = new Map<string, SpeedRecord>()
  const store = {
    speeds: async () => new Map(kept),
    async keepSpeed(key: string, record: SpeedRecord | null) {
      if (record === null) kept.delete(key)
      else kept.set(key, record)
    },
  }
  return createSpeeds({ store, clock: { nowMs: () => 5 }, logger: silentLogger })
}

describe('speeds', () => {
  it('takes a provider by its word until two jobs saw something else', () => {
    const speeds = rig()
    speeds.record('p', truth, 'alice')
    assert.equal(speeds.believed('p', said(), 'alice')?.cpuSingle, 3_000)
    speeds.record('p', truth, 'alice')
    const believed = speeds.believed('p', said(), 'alice')
    assert.equal(believed?.cpuSingle, 1_000)
    // What jobs of one core do not see is off by as much.
    assert.deepEqual([believed?.cpuAll, believed?.iops, believed?.memoryBandwidth], [8_000, 30_000, 9e9])
  })

  it('leaves a word alone that is within a third of what was seen', () => {
    const speeds = rig()
    for (let i = 0; i < 3; i += 1) speeds.record('p', { ...truth, cpuSingle: 2_400 }, 'alice')
    assert.equal(speeds.believed('p', said(), 'alice')?.cpuSingle, 3_000)
    assert.equal(speeds.believed('p', said({ cpuSingle: 3_201 }), 'alice')?.cpuSingle, 2_400)
  })

  it('counts what one owner saw for nobody else, and does not compare versions', () => {
    const speeds = rig()
    for (let i = 0; i < 2; i += 1) speeds.record('p', truth, 'alice')
    assert.equal(speeds.believed('p', said(), 'bob')?.cpuSingle, 3_000)
    assert.equal(speeds.believed('p', said())?.cpuSingle, 3_000)
    speeds.record('p', { ...truth, method: 'cortex-2' }, 'alice')
    assert.equal(speeds.seen('p', 'alice')?.count, 1)
    assert.equal(speeds.believed('p', said(), 'alice')?.cpuSingle, 3_000)
  })

  it('ranks one that claims three times its speed by what was seen after two jobs', async () => {
    const speeds = rig()
    const honest = said({ cpuSingle: 1_500 })
    const offer = (provider: string, measured: Measured) => ({
      ...{
        provider,
        name: provider,
        pricePerHour: 10_000_000n,
        minimumCharge: 0n,
        pricePerGb: 0n,
        volumePerGbHour: 0n,
        trust: 1,
      },
      free: { cpuMillis: 1_000, memoryBytes: 1, storageBytes: 1, gpu: 0 },
      total: { cpuMillis: 1_000, memoryBytes: 1, storageBytes: 1, gpu: 0 },
      ...{
        uptimeSeconds: 60,
        latencyMs: 10,
        figures: speeds.believed(provider, measured, 'alice'),
        emulated: false,
        holdsImage: false,
        missingBytes: null,
        waitMs: 0,
      },
    })
    const first = () =>
      (['value', 'performance'] as const).map((strategy) => {
        const [best] = rank([offer('liar', said()), offer('honest', honest)], strategy, {
          seconds: 3_600,
          networkBytes: 0,
          keptByteSeconds: 0n,
        })
        return best?.offer.provider
      })
    assert.deepEqual(first(), ['liar', 'liar'])
    for (let i = 0; i < 2; i += 1) speeds.record('liar', truth, 'alice')
    assert.deepEqual(first(), ['honest', 'honest'])
    await turn()
  })

  it('remembers over a restart', async () => {
    const kept = new Map<string, SpeedRecord>([['p alice', { ...truth, count: 2, atMs: 1 }]])
    const store = { speeds: async () => kept, keepSpeed: async () => undefined }
    const speeds = createSpeeds({ store, clock: { nowMs: () => 5 }, logger: silentLogger })
    await speeds.recall()
    assert.equal(speeds.believed('p', said(), 'alice')?.cpuSingle, 1_000)
  })
})
