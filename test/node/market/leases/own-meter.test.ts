/** Billing that the buyer can prove: what a provider claims against what the requester's own clock allows. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HEARTBEAT_MS } from '../../../../node/market/leases/lease-follower.ts'
import { attemptCost } from '../../../../node/views/cost.ts'
import { chargeOf, meteredSeconds, termsOf } from '../../../../protocol/money.ts'
import { createLeaseRig, type LeaseRig } from '../../../support/lease-rig.ts'

interface Claim {
  duration: number
  /** @default 10 */
  grace?: number
  pullMs: number
  runMs: number
  seconds: number
}

/** A job of a provider that tells the truth, but for the seconds on its receipt; what the requester made of it. */
async function played(rig: LeaseRig, { duration, grace = 10, pullMs, runMs, seconds }: Claim) {
  const id = await rig.place({ duration, stopGraceSeconds: grace })
  await rig.beat()
  for (let left = pullMs; left > 0; left -= 1_000) {
    await rig.clock.advance(Math.min(1_000, left))
    await rig.beat()
    await rig.report({ case: 'pulling', value: { image: 'busybox', layersDone: 0, layersTotal: 1 } })
  }
  const startedAtMs = BigInt(rig.providerNow())
  await rig.report({ case: 'started', value: { startedAtMs } })
  for (let left = runMs; left > 0; left -= 5_000) {
    await rig.clock.advance(Math.min(5_000, left))
    if (left > 5_000) await rig.beat(runMs - left + 5_000)
  }
  const endedAtMs = BigInt(rig.providerNow())
  const receipt = await rig.receipt(seconds, { startedAtMs, endedAtMs })
  await rig.report({ case: 'ended', value: { outcome: 'exited', exitCode: 0, endedAtMs, receipt } })
  const job = await rig.job(id)
  assert.equal(job.state.status, 'completed')
  assert.ok('lease' in job.state && job.state.lease !== null)
  return job.state.lease
}

describe('the requester’s own meter', () => {
  const claims: [string, Claim, signed: boolean][] = [
    ['what ran', { duration: 60, pullMs: 0, runMs: 3_000, seconds: 3 }, true],
    ['the second begun', { duration: 60, pullMs: 0, runMs: 3_200, seconds: 4 }, true],
    ['36 s for 0.7', { duration: 60, pullMs: 0, runMs: 700, seconds: 36 }, false],
    ['the pulling', { duration: 600, pullMs: 40_000, runMs: 1_000, seconds: 41 }, false],
    ['more than the duration: 8 s of 2', { duration: 2, grace: 1, pullMs: 0, runMs: 9_000, seconds: 8 }, false],
    ['more than the duration: 109 s of 5', { duration: 5, pullMs: 0, runMs: 30_000, seconds: 109 }, false],
    ['the duration, with a grace after it', { duration: 5, pullMs: 0, runMs: 8_000, seconds: 5 }, true],
    ['the duration and the grace that was used', { duration: 5, pullMs: 0, runMs: 15_000, seconds: 15 }, true],
    ['a second more than duration and grace', { duration: 5, pullMs: 0, runMs: 18_000, seconds: 16 }, false],
    [
      'a second more than a duration without grace',
      { duration: 5, grace: 0, pullMs: 0, runMs: 8_000, seconds: 6 },
      false,
    ],
    ['ten seconds more in a long run', { duration: 3_600, pullMs: 0, runMs: 600_000, seconds: 610 }, false],
  ]
  for (const [what, claim, isSigned] of claims) {
    it(`entry 9: ${isSigned ? 'signs' : 'does not sign'} ${what}`, async (test) => {
      const rig = await createLeaseRig()
      test.after(rig.stop)
      const lease = await played(rig, claim)
      assert.equal(lease.receipt !== null, isSigned)
      assert.equal(rig.signed().length > 0, isSigned)
      const granted = claim.duration + (claim.grace ?? 10)
      const most = Math.min(granted, meteredSeconds(claim.runMs + HEARTBEAT_MS))
      assert.ok(meteredSeconds(lease.meteredMs) <= most, `${lease.meteredMs} ms`)
      // The provider's figure stays beside it.
      assert.equal(lease.claimedMs, isSigned ? undefined : claim.seconds * 1000)
      assert.ok(attemptCost(lease, true) <= chargeOf(termsOf(lease), { seconds: granted, networkBytes: 0 }))
    })
  }

  it('entry 9: counts over a restart of the requester while the container runs', async (test) => {
    const rig = await createLeaseRig()
    test.after(rig.stop)
    const id = await rig.place({ duration: 600 })
    const startedAtMs = BigInt(rig.providerNow())
    await rig.report({ case: 'started', value: { startedAtMs } })
    await rig.clock.advance(4_000)
    const count = rig.lines.length
    await rig.restart()
    await rig.clock.advance(20_000)
    await rig.when(() => rig.lines.length > count)
    const endedAtMs = BigInt(rig.providerNow())
    const seconds = meteredSeconds(Number(endedAtMs - startedAtMs))
    const receipt = await rig.receipt(seconds, { startedAtMs, endedAtMs })
    await rig.report({ case: 'ended', value: { outcome: 'exited', exitCode: 0, endedAtMs, receipt } })
    const lease = await rig.lease(id)
    assert.deepEqual([lease?.receipt !== null, lease?.meteredMs], [true, seconds * 1000])
  })

  const silences: [whose: string, pass: (rig: LeaseRig) => Promise<void>, signed: boolean][] = [
    ['the requester did not run, as one that is paused', async ({ clock }) => await clock.holdUp(20_000), true],
    [
      'the requester did not run for longer than a silent provider is waited for',
      async ({ clock }) => await clock.holdUp(40_000),
      true,
    ],
    [
      'the requester did not run, and its link broke by that',
      async (rig) => {
        const count = rig.lines.length
        const broken = rig.lines.at(-1)?.channel
        await rig.clock.holdUp(40_000)
        broken?.abort(new Error('The requester is silent'))
        await rig.when(() => rig.lines.length > count)
      },
      true,
    ],
    ['the provider said nothing', async ({ clock }) => await clock.advance(20_000), false],
  ]
  for (const [whose, pass, isSigned] of silences) {
    it(`entry 9: ${isSigned ? 'counts' : 'does not count'} what ran while ${whose}`, async (test) => {
      const rig = await createLeaseRig()
      test.after(rig.stop)
      const id = await rig.place({ duration: 600 })
      await rig.beat()
      const startedAtMs = BigInt(rig.providerNow() + 1_000)
      await pass(rig)
      // Said while nobody heard it, and heard at once.
      const endedAtMs = BigInt(rig.providerNow() - 1_000)
      await rig.beat()
      await rig.report({ case: 'started', value: { startedAtMs } }, Number(startedAtMs))
      const receipt = await rig.receipt(18, { startedAtMs, endedAtMs })
      await rig.report({ case: 'ended', value: { outcome: 'exited', exitCode: 0, endedAtMs, receipt } })
      const lease = await rig.lease(id)
      assert.equal(lease?.receipt !== null, isSigned)
      assert.equal(lease?.claimedMs, isSigned ? undefined : 18_000)
      const told = (await rig.store.events(id)).map(({ type }) => type)
      assert.deepEqual(told, ['created', 'scheduled', 'started', 'completed'])
    })
  }

  it('entry 9: signs no receipt that tells another story than the reports', async (test) => {
    const stories: [string, object][] = [
      ['another start', { startedAtMs: 1n }],
      ['another end', { endedAtMs: 1n }],
      ['another outcome', { outcome: 'failed' }],
      ['another exit code', { exitCode: 1 }],
    ]
    for (const [what, claim] of stories) {
      const rig = await createLeaseRig()
      test.after(rig.stop)
      const id = await rig.place()
      const startedAtMs = BigInt(rig.providerNow())
      await rig.report({ case: 'started', value: { startedAtMs } })
      await rig.clock.advance(2_000)
      const endedAtMs = BigInt(rig.providerNow())
      const receipt = await rig.receipt(2, { startedAtMs, endedAtMs, ...claim })
      await rig.report({ case: 'ended', value: { outcome: 'exited', exitCode: 0, endedAtMs, receipt } })
      assert.equal((await rig.lease(id))?.receipt, null, what)
    }
  })
})
