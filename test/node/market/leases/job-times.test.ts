/** Times of a job where the clocks of its two sides differ, or are set while it runs. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { jobView } from '../../../../node/views/job-view.ts'
import { jobSubmissionSchema } from '../../../../protocol/job-spec.ts'
import { MAX_DURATION_SECONDS } from '../../../../protocol/limits.ts'
import { createLeaseRig, type LeaseRig } from '../../../support/lease-rig.ts'

const NOBODY = { list: () => [] }
const HOUR_MS = 3_600_000

/** Six lines in six seconds, and a sample with each; what the API shows then. */
async function sixSeconds(rig: LeaseRig, halfway: () => void = () => undefined) {
  const id = await rig.place({ duration: 60 })
  await rig.beat()
  await rig.clock.advance(300)
  const startedAtMs = BigInt(rig.providerNow())
  await rig.report({ case: 'started', value: { startedAtMs } })
  for (let line = 1; line <= 6; line += 1) {
    await rig.clock.advance(1_000)
    const timestampMs = BigInt(rig.providerNow())
    await rig.report({ case: 'logs', value: { firstLine: BigInt(line), lines: [{ timestampMs, line: String(line) }] } })
    await rig.report({ case: 'stats', value: { timestampMs, cpuMillis: line } })
    await rig.beat(line * 1_000)
    if (line === 3) halfway()
  }
  const endedAtMs = BigInt(rig.providerNow())
  const receipt = await rig.receipt(6, { startedAtMs, endedAtMs })
  await rig.report({ case: 'ended', value: { outcome: 'exited', exitCode: 0, endedAtMs, receipt } })
  const job = await rig.job(id)
  assert.equal(job.state.status, 'completed')
  const view = jobView(job, NOBODY)
  const ms = (time: string | null): number => Date.parse(time ?? '')
  const [created, scheduled, started, ended] = [view.createdAt, view.scheduledAt, view.startedAt, view.endedAt].map(ms)
  assert.ok(created !== undefined && scheduled !== undefined && started !== undefined && ended !== undefined)
  assert.ok(created <= scheduled && scheduled <= started, `${created} ${scheduled} ${started}`)
  const logs = await rig.store.logs(id, 1, 100)
  const samples = await rig.store.metrics(id, started, ended)
  const events = (await rig.store.events(id)).map(({ timestampMs }) => timestampMs)
  return {
    ranMs: ended - started,
    linesSinceCreation: logs.filter(({ timestampMs }) => timestampMs >= created && timestampMs <= ended).length,
    samples: samples.length,
    eventsInOrder: events.every((time, i) => i === 0 || time >= (events[i - 1] ?? 0)),
    metered: 'lease' in job.state ? job.state.lease?.meteredMs : null,
  }
}

const RIGHT = { linesSinceCreation: 6, samples: 6, eventsInOrder: true, metered: 6_000 }

describe('the times of a job', () => {
  for (const seconds of [-5_400, -90, -1, 0, 1, 90, 5_400]) {
    it(`entry 23: lie in the job's time where the provider's clock is ${seconds} s off`, async (test) => {
      const rig = await createLeaseRig({ providerOffsetMs: seconds * 1000 })
      test.after(rig.stop)
      const { ranMs, ...rest } = await sixSeconds(rig)
      assert.ok(Math.abs(ranMs - 6_000) <= 500, `${ranMs} ms`)
      assert.deepEqual(rest, RIGHT)
    })
  }

  for (const hours of [-24, -1, 1, 24]) {
    it(`entry 55: are right where the requester's clock is set by ${hours} h while the job runs`, async (test) => {
      const rig = await createLeaseRig()
      test.after(rig.stop)
      let jumped = 0
      const { providerNow } = rig
      // The clock of the rig is the requester's: the provider's stays as it is.
      rig.providerNow = () => providerNow() - jumped
      const { ranMs, ...rest } = await sixSeconds(rig, () => {
        jumped = hours * HOUR_MS
        rig.clock.jump(jumped)
      })
      assert.ok(Math.abs(ranMs - 6_000) <= 500, `${ranMs} ms`)
      assert.deepEqual(rest, RIGHT)
    })

    it(`entry 55: are right where the provider's clock is set by ${hours} h while the job runs`, async (test) => {
      const rig = await createLeaseRig()
      test.after(rig.stop)
      let jumped = 0
      const { providerNow } = rig
      rig.providerNow = () => providerNow() + jumped
      const { ranMs, linesSinceCreation } = await sixSeconds(rig, () => {
        jumped = hours * HOUR_MS
      })
      assert.ok(ranMs >= 5_000 && ranMs <= 6_500, `${ranMs} ms`)
      assert.equal(linesSinceCreation, 6)
    })

    it(`entry 55: a queueTimeout is as long as it is where the clock is set by ${hours} h`, async (test) => {
      const rig = await createLeaseRig()
      test.after(rig.stop)
      rig.bidding(false)
      const { job } = await rig.requester.submit({
        owner: 'local',
        spec: jobSubmissionSchema.parse({ image: 'busybox', queueTimeout: 20 }),
      })
      await rig.clock.advance(5_000)
      rig.clock.jump(hours * HOUR_MS)
      await rig.clock.advance(10_000)
      assert.equal((await rig.job(job.id)).state.status, 'pending')
      await rig.when(async () => (await rig.job(job.id)).state.status === 'failed')
      const { state, createdAtMs } = await rig.job(job.id)
      const waitedMs = 'endedAtMs' in state ? state.endedAtMs - createdAtMs : 0
      assert.ok(waitedMs >= 20_000 && waitedMs < 40_000, `${waitedMs} ms`)
    })

    it(`entry 55: an Idempotency-Key is remembered for a day where the clock is set by ${hours} h`, async (test) => {
      const rig = await createLeaseRig()
      test.after(rig.stop)
      const submit = async () =>
        await rig.requester.submit({
          ...{ owner: 'local', spec: jobSubmissionSchema.parse({ image: 'busybox' }), hold: true },
          idempotency: { key: 'k', digest: 'd' },
        })
      const { job } = await submit()
      rig.clock.jump(hours * HOUR_MS)
      const again = await submit()
      assert.deepEqual([again.repeated, again.job.id], [true, job.id])
      const never = { logsMs: null, metricsMs: null, eventsMs: null }
      assert.equal((await rig.store.forgetOld(never, new AbortController().signal)).keys, 0)
      await rig.clock.advance(25 * HOUR_MS)
      assert.equal((await submit()).repeated, false)
    })
  }

  it('entry 55: output is kept as long as it is to be where the clock is set forward and back', async (test) => {
    const rig = await createLeaseRig()
    test.after(rig.stop)
    await sixSeconds(rig)
    const day = { logsMs: 24 * HOUR_MS, metricsMs: 24 * HOUR_MS, eventsMs: 24 * HOUR_MS }
    const forget = async () => await rig.store.forgetOld(day, new AbortController().signal)
    rig.clock.jump(30 * 24 * HOUR_MS)
    assert.deepEqual(await forget(), { jobs: 0, feed: 0, keys: 0 })
    rig.clock.jump(-31 * 24 * HOUR_MS)
    assert.equal((await forget()).jobs, 0)
    await rig.clock.advance(25 * HOUR_MS)
    assert.equal((await forget()).jobs, 3)
  })

  it('have no duration of more than thirty days, also of one that nobody has yet', async (test) => {
    const rig = await createLeaseRig()
    test.after(rig.stop)
    rig.bidding(false)
    const spec = jobSubmissionSchema.parse({ image: 'busybox', duration: 60 })
    const { job } = await rig.requester.submit({ owner: 'local', spec })
    await assert.rejects(rig.requester.extend(job.id, MAX_DURATION_SECONDS - 59), { code: 'PROVIDER_CONFLICT' })
    const { durationSeconds } = await rig.requester.extend(job.id, MAX_DURATION_SECONDS - 60)
    assert.equal(durationSeconds, MAX_DURATION_SECONDS)
  })
})
