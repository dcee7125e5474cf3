/** A provider that was cut off, and comes back with what it did meanwhile. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLeaseRig, type LeaseRig } from '../../../support/lease-rig.ts'

async function cutOff(rig: LeaseRig, ms: number): Promise<void> {
  rig.hub.partition([[rig.buyer], [rig.seller]])
  for (let left = ms; left > 0; left -= 1_000) await rig.clock.advance(Math.min(1_000, left))
}

/** A job that runs, has said two lines, and whose provider is then cut off until it is lost. */
async function lost(rig: LeaseRig, fields = {}): Promise<{ id: string; startedAtMs: bigint }> {
  const id = await rig.place({ duration: 600, maxAttempts: 3, queueTimeout: 3_600, ...fields })
  await rig.beat()
  const startedAtMs = BigInt(rig.providerNow())
  await rig.report({ case: 'started', value: { startedAtMs } })
  await rig.report(lines(rig, 1, 'one', 'two'))
  await rig.beat(100)
  await cutOff(rig, 45_000)
  const { state, attempt } = await rig.job(id)
  assert.deepEqual([state.status, attempt], ['pending', 2])
  return { id, startedAtMs }
}

function lines(rig: LeaseRig, first: number, ...texts: string[]) {
  const timestampMs = BigInt(rig.providerNow())
  return {
    case: 'logs',
    value: { firstLine: BigInt(first), lines: texts.map((line) => ({ timestampMs, line })) },
  } as const
}

/** The requester has attached anew; the provider then says that it is there. */
async function back(rig: LeaseRig): Promise<void> {
  const count = rig.lines.length
  rig.hub.heal()
  await rig.when(() => rig.lines.length > count)
  // Once to be believed, and once on the stream that goes on.
  await rig.beat(100)
  await rig.when(() => rig.lines.length > count + 1)
}

describe('a lost provider that comes back', () => {
  for (const seconds of [0, 60, 240]) {
    it(`entry 54: after ${45 + seconds} s its result counts, where nobody else was awarded the job`, async (test) => {
      const rig = await createLeaseRig()
      test.after(rig.stop)
      const { id, startedAtMs } = await lost(rig)
      await cutOff(rig, seconds * 1000)
      await back(rig)
      const endedAtMs = startedAtMs + 20_000n
      const receipt = await rig.receipt(20, { startedAtMs, endedAtMs })
      await rig.report(lines(rig, 3, 'three'))
      await rig.report({ case: 'ended', value: { outcome: 'exited', exitCode: 0, endedAtMs, receipt } })
      const job = await rig.job(id)
      assert.deepEqual([job.state.status, job.attempt, job.pastLeases.length], ['completed', 1, 0])
      assert.equal(rig.awards.length, 1)
      const lease = await rig.lease(id)
      assert.deepEqual([lease?.fence, lease?.meteredMs, lease?.receipt !== null], [1, 20_000, true])
      assert.ok('endedAtMs' in job.state && 'startedAtMs' in job.state && job.state.startedAtMs !== null)
      assert.ok(Math.abs(job.state.endedAtMs - job.state.startedAtMs - 20_000) < 1_000)
      const said = await rig.store.logs(id, 1, 100)
      assert.deepEqual(
        said.map(({ number, line }) => `${number} ${line}`),
        ['1 one', '2 two', '3 three'],
      )
      const types = (await rig.store.events(id)).map(({ type }) => type)
      assert.deepEqual(types, ['created', 'scheduled', 'started', 'lost', 'regained', 'completed'])
    })
  }

  it('entry 54: goes on where its container still runs', async (test) => {
    const rig = await createLeaseRig()
    test.after(rig.stop)
    const { id } = await lost(rig)
    await back(rig)
    await rig.beat(50_000)
    const { state, attempt } = await rig.job(id)
    assert.deepEqual([state.status, attempt], ['running', 1])
    // Lost again it is tried again, and what it ran is billed once.
    await cutOff(rig, 40_000)
    const after = await rig.job(id)
    assert.deepEqual([after.state.status, after.attempt, after.pastLeases.length], ['pending', 2, 1])
  })

  it('entry 54: is asked before it is given the job anew, when its bid is the first that is heard of it', async (test) => {
    const rig = await createLeaseRig()
    test.after(rig.stop)
    const { id } = await lost(rig, { queueTimeout: 3_600 })
    const stale = setInterval(() => void rig.beat(100), 1)
    test.after(() => clearInterval(stale))
    rig.hub.heal()
    await rig.when(async () => (await rig.job(id)).state.status === 'running')
    assert.equal(rig.awards.length, 1)
  })

  it('entry 54: comes too late once the job was awarded again', async (test) => {
    const rig = await createLeaseRig()
    test.after(rig.stop)
    const { id } = await lost(rig)
    const count = rig.awards.length
    const other = rig.lines.length
    // It answers nobody about its lease, and takes the job anew.
    rig.hub.rule = ({ kind, protocol, from }) =>
      kind === 'open' && protocol?.includes('lease') === true && from === rig.buyer.network.peerId ? 'drop' : 'pass'
    rig.hub.heal()
    await rig.when(() => rig.awards.length > count)
    rig.hub.rule = () => 'pass'
    await rig.when(() => rig.lines.length > other)
    const job = await rig.job(id)
    assert.deepEqual([job.fence, job.attempt, job.pastLeases.length], [2, 2, 1])
    // What is said under the first fence now is nobody's any more.
    await rig.report({ case: 'started', value: { startedAtMs: 1n } })
    assert.equal((await rig.lease(id))?.fence, 2)
  })

  it('entry 54: is waited for over a restart of the requester', async (test) => {
    const rig = await createLeaseRig()
    test.after(rig.stop)
    const { id } = await lost(rig)
    await rig.restart()
    await back(rig)
    assert.deepEqual([(await rig.job(id)).state.status, rig.awards.length], ['running', 1])
  })

  it('entry 54: brings nothing back to a job that was cancelled', async (test) => {
    const rig = await createLeaseRig()
    test.after(rig.stop)
    const { id } = await lost(rig)
    await rig.requester.cancel(id)
    await rig.when(async () => (await rig.job(id)).state.status === 'cancelled')
    rig.hub.heal()
    await rig.clock.advance(20_000)
    assert.equal((await rig.job(id)).state.status, 'cancelled')
  })
})
