import assert from 'node:assert/strict'
import { test } from 'node:test'
import { collect, MiB, type TestBed } from './bed.ts'

/** Use of resources is measured. */
export function statsTests(bed: TestBed): void {
  test('a busy loop uses CPU, memory and storage', async () => {
    const script = 'head -c 3000000 /dev/zero >/tmp/x; echo ready; while :; do :; done'
    const container = await bed.run(script, { cpuMillis: 500, network: 'bridge' })
    await bed.untilReady(container)
    const samples = []
    // A machine may have no time for the container, or for who looks: not for all of them.
    for await (const sample of bed.engine.stats(container, 1_000)) {
      const { cpuMillis } = sample
      samples.push(sample)
      if ((samples.length > 1 && cpuMillis > 50 && cpuMillis < 800) || samples.length === 60) break
    }
    const [first, ...others] = samples
    const last = others.at(-1)
    assert.ok(first && last)
    assert.ok(last.timestampMs > first.timestampMs)
    assert.ok(last.cpuMillis > 50 && last.cpuMillis < 800, JSON.stringify(samples))
    assert.ok(last.memoryBytes > 0 && last.memoryBytes <= 64 * MiB)
    assert.ok(first.storageBytes !== null && first.storageBytes >= 3_000_000)
    assert.equal(others[0]?.storageBytes, null)
    await bed.engine.remove(container)
  })

  test('samples end with the container', async () => {
    const container = await bed.run('sleep 10')
    const samples = await collect(bed.engine.stats(container, 60_000))
    assert.equal(samples.length, 1)
    assert.deepEqual([samples[0]?.rxBytes, samples[0]?.txBytes], [0, 0])
    assert.deepEqual(await collect(bed.engine.stats(container, 60_000)), [])
  })
}
