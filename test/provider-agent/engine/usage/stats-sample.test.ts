import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ContainerStats } from 'dockerode'
import { toReading, toSample } from '../../../../provider-agent/engine/usage/stats-sample.ts'

/** Recorded from Docker 20.10 on cgroup v1, shortened. */
const v1 = {
  read: '2026-11-23T22:23:41.372113828Z',
  cpu_stats: {
    cpu_usage: { total_usage: 21_081_275, percpu_usage: [10_296_456, 10_784_819], usage_in_usermode: 10_000_000 },
    system_cpu_usage: 4_837_280_000_000,
    online_cpus: 2,
  },
  memory_stats: {
    usage: 5_980_160,
    max_usage: 8_821_568,
    stats: { cache: 4_096_000, inactive_file: 2_000_000, total_cache: 4_096_000, total_inactive_file: 2_048_000 },
    limit: 25_276_502_016,
  },
  pids_stats: { current: 3, limit: 512 },
  networks: { eth0: { rx_bytes: 876, rx_packets: 10, tx_bytes: 42 }, eth1: { rx_bytes: 100, tx_bytes: 8 } },
}

/** In the shape that Docker documents for cgroup v2. */
const v2 = {
  read: '2026-11-23T22:23:42.372113828Z',
  cpu_stats: {
    cpu_usage: { total_usage: 1_521_081_275, usage_in_kernelmode: 1, usage_in_usermode: 2 },
    online_cpus: 2,
  },
  memory_stats: {
    usage: 7_000_000,
    stats: { anon: 49_152, file: 3_000_000, inactive_file: 3_000_000 },
    limit: 8_000_000,
  },
  networks: { eth0: { rx_bytes: 1, tx_bytes: 2 } },
}

const asStats = (value: unknown) => value as ContainerStats
const moment = Date.parse('2026-11-23T22:23:41.372Z')

test('a reading of cgroup v1 leaves the inactive file cache out, children included', () => {
  const expected = {
    ...{ timestampMs: moment, cpuNanos: 21_081_275, memoryBytes: 3_932_160, rxBytes: 976, txBytes: 50 },
    pids: { current: 3, limit: 512 },
  }
  assert.deepEqual(toReading(asStats(v1)), expected)
})

test('a reading of cgroup v2 leaves the inactive file cache out', () => {
  const expected = {
    timestampMs: moment + 1_000,
    cpuNanos: 1_521_081_275,
    memoryBytes: 4_000_000,
    rxBytes: 1,
    txBytes: 2,
    pids: null,
  }
  assert.deepEqual(toReading(asStats(v2)), expected)
})

test('odd answers', () => {
  const memory_stats = { usage: 1_000, stats: { inactive_file: 2_000 } }
  assert.equal(toReading(asStats({ ...v2, memory_stats }))?.memoryBytes, 1_000, 'more cache than there is usage')
  assert.equal(toReading(asStats({ ...v2, networks: undefined }))?.rxBytes, 0, 'no network')
  assert.equal(toReading(asStats({ ...v2, memory_stats: {} })), null, 'a container that has ended')
  assert.equal(toReading(asStats({ ...v2, read: '0001-01-01T00:00:00Z' })), null, 'a container that never ran')
})

test('the CPU of a sample is the average since the one before, in millicores', () => {
  const reading = toReading(asStats(v2))
  assert.ok(reading)
  const { timestampMs } = reading
  const cases: [string, { timestampMs: number; cpuNanos: number }, number][] = [
    ['one and a half cores for a second', { timestampMs: timestampMs - 1_000, cpuNanos: 21_081_275 }, 1_500],
    ['the same over two seconds', { timestampMs: timestampMs - 2_000, cpuNanos: 21_081_275 }, 750],
    ['nothing used', { timestampMs: timestampMs - 1_000, cpuNanos: 1_521_081_275 }, 0],
    ['a counter that went back', { timestampMs: timestampMs - 1_000, cpuNanos: 2_000_000_000 }, 0],
    ['no time in between', { timestampMs, cpuNanos: 0 }, 0],
  ]
  for (const [name, previous, cpuMillis] of cases) {
    const { cpuNanos: _, ...rest } = reading
    assert.deepEqual(toSample(previous, reading, 7), { ...rest, cpuMillis, storageBytes: 7 }, name)
  }
})
