/** What only the requester may cause, reported by its provider all the same. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { meteredSeconds } from '../../../../protocol/money.ts'
import { createLeaseRig, type LeaseRig } from '../../../support/lease-rig.ts'

async function running(rig: LeaseRig, fields = {}): Promise<string> {
  const id = await rig.place({ duration: 5, ...fields })
  await rig.beat()
  await rig.report({ case: 'started', value: { startedAtMs: BigInt(rig.providerNow()) } })
  return id
}

const types = async (rig: LeaseRig, id: string) => (await rig.store.events(id)).map(({ type }) => type)
const penalties = (rig: LeaseRig) =>
  Object.entries(rig.buyer.network.counters().refused).filter(([reason]) => reason.startsWith('penalty:'))

describe('a report that only the requester may cause', () => {
  it('entry 8: an extension that nobody asked for is ignored, and counted against the provider', async (test) => {
    const rig = await createLeaseRig()
    test.after(rig.stop)
    const id = await running(rig)
    await rig.report({ case: 'extended', value: { durationSeconds: 2_592_000 } })
    const job = await rig.job(id)
    assert.deepEqual([job.durationSeconds, job.state.status], [5, 'running'])
    assert.ok(!(await types(rig, id)).includes('extended'))
    assert.deepEqual(penalties(rig), [['penalty:lease: extended-unasked', 1]])
    // Nor is anything billed for it: no more than its duration and the grace.
    await rig.clock.advance(20_000)
    await rig.beat(20_000)
    assert.equal(meteredSeconds((await rig.lease(id))?.meteredMs ?? 0), 15)
  })

  it('entry 8: of an extension that was asked for, more seconds than were asked are not given', async (test) => {
    const rig = await createLeaseRig()
    test.after(rig.stop)
    const id = await running(rig)
    const extended = rig.requester.extend(id, 10)
    const asked = await rig.when(() => rig.lines.at(-1)?.commands.find(({ content }) => content.case === 'extend'))
    await rig.report({ case: 'extended', value: { durationSeconds: 500 } })
    assert.equal((await rig.job(id)).durationSeconds, 5)
    assert.deepEqual(penalties(rig), [['penalty:lease: extended-unasked', 1]])
    assert.ok(asked.content.case === 'extend')
    const { commandId } = asked.content.value
    await rig.say({ case: 'reply', value: { commandId, ok: true, code: '', message: '' } })
    await extended
    await rig.report({ case: 'extended', value: { durationSeconds: 15 } })
    const job = await rig.job(id)
    assert.deepEqual([job.durationSeconds, job.extension], [15, null])
    assert.equal((await types(rig, id)).filter((type) => type === 'extended').length, 1)
    assert.equal(penalties(rig).length, 1)
  })

  for (const first of ['report', 'reply'] as const) {
    it(`entry 8: an extension that was granted counts once, the ${first} first`, async (test) => {
      const rig = await createLeaseRig()
      test.after(rig.stop)
      const id = await running(rig)
      const extended = rig.requester.extend(id, 10)
      const asked = await rig.when(() => rig.lines.at(-1)?.commands.find(({ content }) => content.case === 'extend'))
      assert.ok(asked.content.case === 'extend')
      const { commandId } = asked.content.value
      const says = {
        report: async () => await rig.report({ case: 'extended', value: { durationSeconds: 15 } }),
        reply: async () => await rig.say({ case: 'reply', value: { commandId, ok: true, code: '', message: '' } }),
      }
      await says[first]()
      await says[first === 'report' ? 'reply' : 'report']()
      assert.equal((await extended).durationSeconds, 15)
      assert.equal((await types(rig, id)).filter((type) => type === 'extended').length, 1)
      assert.deepEqual(penalties(rig), [])
    })
  }

  const untrue: [string, object][] = [
    ['cancelled, when nobody cancelled', { outcome: 'cancelled', exitCode: 143 }],
    ['over its duration, after a second', { outcome: 'failed', exitCode: 143, failureCode: 'DURATION_EXCEEDED' }],
  ]
  for (const [what, end] of untrue) {
    it(`entry 8: an end as ${what}, is the provider's own: another attempt, and no minimum charge`, async (test) => {
      const rig = await createLeaseRig({ terms: { minimumCharge: 9_000_000n } })
      test.after(rig.stop)
      const id = await running(rig, { maxAttempts: 2, duration: 60 })
      const { startedAtMs } = (await rig.lease(id))?.running ?? { startedAtMs: 0 }
      await rig.clock.advance(1_000)
      rig.bidding(false)
      const endedAtMs = BigInt(rig.providerNow())
      const receipt = await rig.receipt(1, { startedAtMs: BigInt(startedAtMs), endedAtMs, ...end })
      await rig.report({ case: 'ended', value: { endedAtMs, receipt, ...end } })
      const job = await rig.job(id)
      assert.deepEqual([job.state.status, job.attempt, job.pastLeases.length], ['pending', 2, 1])
      assert.equal(job.pastLeases[0]?.receipt, null)
      assert.equal(penalties(rig).length, 1)
    })
  }

  it('entry 8: a duration that is over too soon is no event, and one that is over in time is one', async (test) => {
    const rig = await createLeaseRig()
    test.after(rig.stop)
    const id = await running(rig, { duration: 10 })
    await rig.clock.advance(1_000)
    await rig.report({ case: 'expired', value: {} })
    assert.ok(!(await types(rig, id)).includes('expired'))
    for (let beats = 0; beats < 3; beats += 1) {
      await rig.clock.advance(3_000)
      await rig.beat(3_000)
    }
    for (let repeats = 0; repeats < 3; repeats += 1) await rig.report({ case: 'expired', value: {} })
    assert.equal((await types(rig, id)).filter((type) => type === 'expired').length, 1)
  })

  it('entry 8: an answer to what was never asked changes nothing', async (test) => {
    const rig = await createLeaseRig()
    test.after(rig.stop)
    const id = await running(rig)
    const before = await rig.job(id)
    await rig.say({ case: 'reply', value: { commandId: 'cancel', ok: true, code: '', message: '' } })
    await rig.say({ case: 'reply', value: { commandId: 'other', ok: true, code: '', message: '' } })
    assert.deepEqual(await rig.job(id), before)
  })
})

describe('what a provider says too often', () => {
  it('entry 19: heartbeats beyond what a lease needs end its stream, and count against the provider', async (test) => {
    const rig = await createLeaseRig()
    test.after(rig.stop)
    const id = await running(rig)
    for (let beats = 0; beats < 400 && penalties(rig).length === 0; beats += 1) await rig.beat(1)
    assert.deepEqual(penalties(rig), [['penalty:lease: RATE', 1]])
    // What it said before counts, and it may come again.
    assert.equal((await rig.job(id)).state.status, 'running')
  })

  it('entry 19: heartbeats as they come, one for each port that changed, end nothing', async (test) => {
    const rig = await createLeaseRig()
    test.after(rig.stop)
    await running(rig, { duration: 3_600 })
    for (let beats = 0; beats < 300; beats += 1) {
      await rig.clock.advance(600)
      await rig.beat(beats * 600)
    }
    assert.deepEqual(penalties(rig), [])
  })

  it('entry 19: progress of a pull is kept so often as people can read, and samples once a second', async (test) => {
    const rig = await createLeaseRig()
    test.after(rig.stop)
    const id = await rig.place()
    for (let reports = 0; reports < 50; reports += 1) {
      await rig.report({ case: 'pulling', value: { image: 'busybox', layersDone: reports, layersTotal: 50 } })
    }
    assert.equal((await types(rig, id)).filter((type) => type === 'pulling').length, 1)
    await rig.report({ case: 'started', value: { startedAtMs: BigInt(rig.providerNow()) } })
    await rig.clock.advance(2_000)
    const nowMs = rig.providerNow()
    for (let ms = -50_000; ms <= 50_000; ms += 1_000) {
      await rig.report({ case: 'stats', value: { timestampMs: BigInt(nowMs + ms), cpuMillis: 1 } })
    }
    const samples = await rig.store.metrics(id, 0, Number.MAX_SAFE_INTEGER)
    const [first] = samples
    assert.ok(samples.length <= 4, `${samples.length} samples of 2 s`)
    assert.ok(first && first.timestampMs >= nowMs - 3_000)
  })
})
