/** Who waits for room, and whose turn it is. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Directory, ProviderView } from '../../../../node/directory/index.ts'
import { createParkingLot, type Wanted } from '../../../../node/market/placement/parking-lot.ts'
import { NO_RESOURCES } from '../../../../protocol/units.ts'
import { providerView } from '../../../gateway/support/test-node.ts'
import { createSimClock } from '../../../support/sim-clock.ts'

const cpu = (cpuMillis: number) => ({ ...NO_RESOURCES, cpuMillis })

function setUp() {
  const clock = createSimClock()
  let change: (view: ProviderView) => void = () => undefined
  const directory = {
    list: () => [],
    get: () => undefined,
    onChange(callback: (view: ProviderView) => void) {
      change = callback
      return () => undefined
    },
  } as unknown as Directory
  const lot = createParkingLot({ directory, clock })
  const woken: string[] = []
  const over = new AbortController()
  const wait = (jobId: string, more: Partial<Wanted> = {}, ms = 3_600_000): void => {
    const wanted = { jobId, owner: 'one', kind: 'k', resources: cpu(1_000), provider: '', ...more }
    lot.wait(wanted, ms, over.signal).then(
      () => woken.push(jobId),
      () => undefined, // the test is over
    )
  }
  const room = async (cpuMillis: number): Promise<string[]> => {
    const before = woken.length
    change(providerView({ free: cpu(cpuMillis) }))
    await clock.advance(0)
    return woken.slice(before)
  }
  return { clock, lot, wait, room, woken, stop: () => over.abort(new Error('The test is over')) }
}

describe('the parking lot', () => {
  it('entry 56: of 2,000 jobs of one owner the oldest are woken first, however they came to wait', async () => {
    const { wait, room, stop } = setUp()
    const ids = Array.from({ length: 2_000 }, (_, i) => `job_${String(i).padStart(5, '0')}`)
    // Any order but theirs.
    for (const id of ids.toSorted((a, b) => (a.slice(-2) < b.slice(-2) ? 1 : -1))) wait(id)
    const served: string[] = []
    while (served.length < 300) served.push(...(await room(3_000)))
    assert.deepEqual(served, ids.slice(0, served.length))
    stop()
  })

  it('entry 56: one that waited and was turned down again keeps its place', async () => {
    const { wait, room, stop } = setUp()
    for (const id of ['a', 'b', 'c', 'd']) wait(id)
    assert.deepEqual(await room(2_000), ['a', 'b'])
    wait('b')
    wait('a')
    assert.deepEqual(await room(3_000), ['a', 'b', 'c'])
    stop()
  })

  it('entry 56: a younger one whose time has come gives its turn to the oldest of its kind', async () => {
    const { clock, lot, wait, woken, stop } = setUp()
    wait('b')
    wait('a')
    const young = { jobId: 'c', owner: 'one', kind: 'k', resources: cpu(1_000), provider: '' }
    assert.equal(lot.yields(young), true)
    await clock.advance(0)
    assert.deepEqual(woken, ['a'])
    assert.equal(lot.yields({ ...young, jobId: 'a' }), false, 'the oldest yields to nobody')
    assert.equal(lot.yields({ ...young, kind: 'other' }), false, 'nor does one that needs something else')
    assert.equal(lot.yields({ ...young, owner: 'two' }), false, 'nor one of another owner')
    stop()
  })

  it('entry 56: owners are served in turn, and a job too large for what is free holds up nobody', async () => {
    const { wait, room, stop } = setUp()
    wait('a1', { kind: 'large', resources: cpu(9_000) })
    for (const id of ['a2', 'a3', 'a4', 'a5']) wait(id)
    wait('b1', { owner: 'two' })
    assert.deepEqual(await room(3_000), ['a2', 'b1', 'a3'])
    assert.deepEqual(await room(10_000), ['a1', 'a4'])
    stop()
  })
})
