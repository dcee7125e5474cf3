import assert from 'node:assert/strict'
import { test } from 'node:test'
import { collect, MiB, type TestBed } from './bed.ts'

/** Use of resources is measured. */
export function statsTests(bed: TestBed): void {
  test('a busy loop uses CPU, memory and storage', async () => {
    const script = 'head -c 3000000 /dev/zero >/tmp/x; while :; do :; done'
    const container = await bed.run(script, { cpuMillis: 500, network: 'bridge' })
    const samples = []
    for await (const sample of bed.engine.stats(container, 1_000)) {
      samples.push(sample)
      if (samples.length === 2) break
    }
    const [first, second] = samples
    assert.ok(first && second)
    assert.ok(second.timestampMs > first.timestampMs)
    assert.ok(second.cpuMillis > 50 && second.cpuMillis < 800, `${second.cpuMillis} millicores`)
    assert.ok(second.memoryBytes > 0 && second.memoryBytes <= 64 * MiB)
    assert.ok(first.storageBytes !== null && first.storageBytes >= 3_000_000)
    assert.equal(second.storageBytes, null)
    await bed.engine.remove(container)
  })

  test('samples end with the container', async () => {
    const container = await bed.run('sleep 3')
    const samples = await collect(bed.engine.stats(container, 60_000))
    assert.equal(samples.length, 1)
    assert.deepEqual([samples[0]?.rxBytes, samples[0]?.txBytes], [0, 0])
    assert.deepEqual(await collect(bed.engine.stats(container, 60_000)), [])
  })
}
