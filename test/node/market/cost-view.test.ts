/** What a job costs, wherever it is told. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dollars } from '../../../gateway/commands/show.ts'
import { usdExact } from '../../../gateway/dashboard/src/format/amounts.ts'
import { jobView } from '../../../node/views/job-view.ts'
import { type JobSubmission, jobSubmissionSchema, splitSecrets } from '../../../protocol/job-spec.ts'
import { chargeOf, formatUsd, usdNumber } from '../../../protocol/money.ts'
import { openTestNode, providerView } from '../../gateway/support/test-node.ts'
import { provider, requester } from '../../protocol/samples.ts'
import { createLeaseRig } from '../../support/lease-rig.ts'

const TERMS = { pricePerHour: 3_333_333_337n, minimumCharge: 1_234_567n, pricePerGb: 0n, volumePerGbHour: 0n }

describe('the cost of a job', () => {
  it('item 3: agrees to the nano-dollar in API, command line and dashboard, and is never above “at most”', async (test) => {
    const rig = await createLeaseRig({ terms: TERMS })
    test.after(rig.stop)
    const id = await rig.place({ duration: 5, stopGraceSeconds: 2 })
    const startedAtMs = BigInt(rig.providerNow())
    await rig.report({ case: 'started', value: { startedAtMs } })
    const costs: ReturnType<typeof jobView>['cost'][] = []
    for (let ms = 1_000; ms <= 9_000; ms += 1_000) {
      await rig.clock.advance(1_000)
      await rig.beat(ms)
      costs.push(jobView(await rig.job(id), { list: () => [] }).cost)
    }
    const endedAtMs = BigInt(rig.providerNow())
    const receipt = await rig.receipt(7, { startedAtMs, endedAtMs })
    await rig.report({ case: 'ended', value: { outcome: 'exited', exitCode: 0, endedAtMs, receipt } })
    const { cost } = jobView(await rig.job(id), { list: () => [] })
    const most = usdNumber(chargeOf(TERMS, { seconds: 7, networkBytes: 0 }))
    for (const { current, projected } of costs) assert.ok(current <= projected && projected === most)
    assert.deepEqual(cost, { current: most, projected: most, final: most, currency: 'USD' })
    for (const each of [...costs, cost].flatMap(({ current, projected }) => [current, projected])) {
      assert.equal(dollars(each), usdExact(each))
    }
    assert.equal(dollars(most), `$${formatUsd(chargeOf(TERMS, { seconds: 7, networkBytes: 0 }))}`)
  })

  it('item 3: shows what the provider claims beside what is owed, where it was not signed', async (test) => {
    const rig = await createLeaseRig({ terms: TERMS })
    test.after(rig.stop)
    const id = await rig.place({ duration: 60 })
    const startedAtMs = BigInt(rig.providerNow())
    await rig.report({ case: 'started', value: { startedAtMs } })
    await rig.clock.advance(2_000)
    await rig.beat(2_000)
    const endedAtMs = BigInt(rig.providerNow())
    const receipt = await rig.receipt(36, { startedAtMs, endedAtMs })
    await rig.report({ case: 'ended', value: { outcome: 'exited', exitCode: 0, endedAtMs, receipt } })
    const { final = 0, claimed } = jobView(await rig.job(id), { list: () => [] }).cost
    assert.equal(claimed, usdNumber(chargeOf(TERMS, { seconds: 36, networkBytes: 0 })))
    assert.ok(final < (claimed ?? 0))
  })

  describe('while it has no provider', () => {
    const walls = [
      { isolation: 'container', factorMillis: 1_000 },
      { isolation: 'gvisor', factorMillis: 1_500 },
    ]
    const capabilities = ['isolation', 'network-limit', 'platforms']
    const prices = { ...providerView().prices, networkPerGb: 10_000_000n }
    const traffic = { capabilities, prices: { ...prices, cpuPerCoreHour: 1_000_000n } }
    const NETWORK = [
      providerView({ provider: provider.id, isolations: walls, capabilities, labels: { rack: 'a' } }),
      providerView({ provider: requester.id, isolations: walls.slice(0, 1), ...traffic, region: 'us' }),
    ]
    /** A cent an hour for 1 h and 10 s. */
    const HOUR = 0.010027777
    const cases: [asked: Partial<JobSubmission>, projected: number][] = [
      [{}, HOUR],
      [{ isolation: 'gvisor' }, 0.015041666],
      [{ isolation: 'vm' }, 0],
      [{ maxNetwork: '1Gi' }, HOUR],
      [{ maxNetwork: '1Mi' }, 0.001012542],
      [{ network: 'none' }, 0.001002777],
      [{ network: 'none', constraints: { region: 'eu' } }, HOUR],
      [{ network: 'none', constraints: { labels: { rack: 'b' } } }, 0],
      [{ network: 'none', provider: provider.id }, HOUR],
      [{ platform: 'linux/s390x' }, 0],
    ]
    for (const [asked, projected] of cases) {
      it(`is what those that would take it ask, the cheapest: ${JSON.stringify(asked)}`, async (test) => {
        const { store, close } = await openTestNode()
        test.after(close)
        const { spec } = splitSecrets(jobSubmissionSchema.parse({ image: 'busybox', ...asked }))
        const { job } = await store.create({
          owner: 'me',
          spec,
          secrets: { secrets: {}, registryCredentials: undefined },
        })
        assert.equal(jobView(job, { list: () => NETWORK }).cost.projected, projected)
      })
    }
  })
})
