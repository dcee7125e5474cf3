import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { silentLogger } from '../../../node/logger.ts'
import { NO_MINIMUMS } from '../../../protocol/measured.ts'
import {
  type BenchmarkComponents,
  besideStorage,
  createBenchmark,
} from '../../../provider-agent/benchmark/benchmark.ts'
import { createSimClock } from '../../support/sim-clock.ts'
import { until } from '../../support/until.ts'

const FIGURES = { ...NO_MINIMUMS, cpuSingle: 1_000, method: 'cortex-1' }
const WEEK_MS = 7 * 24 * 3_600_000

describe('the benchmark of an agent', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-benchmark-'))
  })
  afterEach(async () => await rm(folder, { recursive: true }))

  function rig(parts: Partial<BenchmarkComponents> = {}) {
    const clock = createSimClock()
    const runs: string[] = []
    const benchmark = createBenchmark(
      {
        ...{ clock, logger: silentLogger, isFree: () => true, folders: async () => [folder], load: async () => 0 },
        run: async (where) => {
          runs.push(where)
          return FIGURES
        },
        ...parts,
      },
      { dataFolder: folder, benchmark: true },
    )
    return { clock, runs, benchmark }
  }

  it('measures at the first start, keeps what it found, and measures again after a week', async () => {
    const { clock, runs, benchmark } = rig()
    let told = 0
    benchmark.onChange(() => {
      told += 1
    })
    await benchmark.start()
    await until(async () => told === 1)
    assert.deepEqual([benchmark.measured()?.cpuSingle, runs], [1_000, [folder]])
    await benchmark.stop()

    const second = rig()
    await second.benchmark.start()
    assert.equal(second.benchmark.measured()?.cpuSingle, 1_000)
    await second.clock.advance(60_000)
    assert.deepEqual(second.runs, [])
    await second.clock.advance(WEEK_MS)
    await until(async () => second.runs.length > 0)
    await second.benchmark.stop()
    assert.ok(clock.nowMs() > 0)
  })

  it('waits while something runs, or somebody else works on the machine', async () => {
    let [free, load] = [false, 0.9]
    const { clock, runs, benchmark } = rig({ isFree: () => free, load: async () => load })
    await benchmark.start()
    await clock.advance(60_000)
    free = true
    await clock.advance(60_000)
    assert.deepEqual(runs, [])
    load = 0.1
    await clock.advance(60_000)
    await until(async () => runs.length > 0)
    await benchmark.stop()
  })

  it('gives the machine up to a job that comes', async () => {
    let free = true
    const begun = Promise.withResolvers<void>()
    const given = Promise.withResolvers<void>()
    const { benchmark } = rig({
      isFree: () => free,
      async run(_folder, signal) {
        begun.resolve()
        await once(signal, 'abort')
        given.resolve()
        throw signal.reason
      },
    })
    await benchmark.start()
    await begun.promise
    free = false
    await given.promise
    assert.equal(benchmark.measured(), null)
    await benchmark.stop()
  })

  it('measures anew where what was kept cannot be read', async () => {
    for (const text of ['', '{}', '{"cpuSingle":-1}', 'null']) {
      await writeFile(join(folder, 'measured.json'), text)
      const { benchmark, runs } = rig()
      await benchmark.start()
      await until(async () => runs.length === 1)
      await benchmark.stop()
      await until(async () => JSON.parse(await readFile(join(folder, 'measured.json'), 'utf8')).cpuSingle === 1_000)
    }
  })

  it('asks the disk where jobs write, and no other', async () => {
    assert.deepEqual(await besideStorage(folder, [folder, '/proc']), [folder])
    assert.deepEqual(await besideStorage('/proc', [folder]), [])
    assert.deepEqual(await besideStorage('/nowhere', [folder, '/nor/here']), [folder])
  })
})
