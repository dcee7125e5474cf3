import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ownShares, weightsOf } from '../../../provider-agent/weights/shares.ts'

const machineMillis = 8_000

test('in their group jobs share by their cores, and the group is what yields', () => {
  const weighing = { weight: 10, group: '/jobs', machineMillis }
  const cases: [number, number][] = [
    [100, 102],
    [1_000, 1_024],
    [4_000, 4_096],
    [1, 2],
  ]
  for (const [cpuMillis, CpuShares] of cases) {
    assert.deepEqual(weightsOf(cpuMillis, weighing), { CgroupParent: '/jobs', CpuShares }, `${cpuMillis}`)
  }
})

test('without a group all jobs together weigh no more than it would', () => {
  const weighing = { weight: 10, group: null, machineMillis }
  assert.deepEqual(weightsOf(8_000, weighing), { CpuShares: ownShares(10), BlkioWeight: 10 })
  assert.deepEqual(weightsOf(4_000, weighing), { CpuShares: 51, BlkioWeight: 10 })
  assert.deepEqual(weightsOf(100, weighing), { CpuShares: 2, BlkioWeight: 10 }, 'the least that the kernel takes')
})

test('a weight of 100 is what everything has', () => {
  assert.deepEqual(weightsOf(1_000, { weight: 100, group: null, machineMillis }), {})
  assert.deepEqual([ownShares(100), ownShares(10), ownShares(1)], [1_024, 102, 10])
})
