import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import fc from 'fast-check'
import type { Receipt, Report_Ended } from '../../../protocol/gen/cortex/v1/market_pb.js'
import { checkReceipt } from '../../../protocol/market-messages.ts'
import { costOf, type NanoUsd } from '../../../protocol/money.ts'
import { DEFAULT_PRICES } from '../../../provider-agent/prices/default-prices.ts'
import { parsePriceRule } from '../../../provider-agent/prices/price-rules.ts'
import { type AgentRig, createAgentRig, type RigInit } from '../../support/agent-rig.ts'
import { until } from '../../support/until.ts'

const asking = (minimumPerJob: NanoUsd, more: RigInit = {}): RigInit => ({
  prices: { ...DEFAULT_PRICES, minimumPerJob },
  ...more,
})

async function receiptOf({ receipt }: Report_Ended): Promise<Receipt> {
  assert.ok(receipt)
  return (await checkReceipt(receipt)).receipt
}

describe('a minimum charge', () => {
  let rig: AgentRig

  afterEach(async () => await rig.stop())

  it('is in the bid, the award and the receipt, which never says less, nor more than it or the use', async () => {
    const run = fc.record({
      minimum: fc.bigInt(0n, 20_000n),
      ranMs: fc.integer({ min: 0, max: 5_000 }),
      exitCode: fc.constantFrom(0, 1),
    })
    await fc.assert(
      fc.asyncProperty(run, async ({ minimum, ranMs, exitCode }) => {
        rig = await createAgentRig(asking(minimum))
        const { bid, name, follow } = await rig.run({ cpu: 1_000 })
        assert.equal(bid.minimumCharge, minimum)
        const container = await rig.container(name)
        await follow.report('started')
        await rig.clock.advance(ranMs)
        container.exit(exitCode)
        const receipt = await receiptOf(await follow.report('ended'))
        const use = costOf(receipt.pricePerHour, Number(receipt.meteredSeconds))
        assert.equal(receipt.minimumCharge, minimum)
        assert.ok(receipt.meteredSeconds >= 1n, 'it ran')
        assert.ok(receipt.costNanoUsd >= minimum && receipt.costNanoUsd >= use)
        assert.ok(receipt.costNanoUsd === minimum || receipt.costNanoUsd === use)
        assert.equal((await rig.agent.earnings(0)).total.earned, receipt.costNanoUsd)
        await rig.stop()
      }),
      { numRuns: 20 },
    )
  })

  it('is not owed for a container that never started', async () => {
    rig = await createAgentRig(asking(5_000_000n))
    rig.engine.script = () => ({ pullMs: 60_000 })
    const { follow } = await rig.run()
    await until(() => rig.agent.status().leases.length === 1)
    await follow.command({ case: 'cancel', value: { commandId: 'c' } })
    const receipt = await receiptOf(await follow.report('ended'))
    assert.deepEqual([receipt.outcome, receipt.minimumCharge, receipt.costNanoUsd], ['cancelled', 5_000_000n, 0n])
  })

  it('is not owed where the provider lost the container, whose time is', async () => {
    rig = await createAgentRig(asking(5_000_000n))
    const { name, follow } = await rig.run({ cpu: 1_000 })
    await rig.container(name)
    await follow.report('started')
    await rig.clock.advance(2_000)
    await rig.engine.remove(name)
    const ended = await follow.report('ended')
    const { minimumCharge, meteredSeconds, pricePerHour, costNanoUsd } = await receiptOf(ended)
    assert.deepEqual([ended.failureCode, minimumCharge], ['INTERNAL', 0n])
    assert.equal(costNanoUsd, costOf(pricePerHour, Number(meteredSeconds)))
    assert.ok(costNanoUsd > 0n)
    assert.equal((await rig.agent.earnings(0)).total.earned, costNanoUsd)
  })

  it('is another for a client of whom a rule says so, and announced is what everybody pays', async () => {
    const rule = `00:00-24:00 min=0.001`
    rig = await createAgentRig(asking(5_000_000n, { priceRules: [parsePriceRule(rule)].filter((one) => one !== null) }))
    const { bid } = await (await rig.requester.ask()).answer()
    assert.equal(bid?.minimumCharge, 1_000_000n)
    assert.equal(rig.agent.status().prices.minimumPerJob, 1_000_000n)
  })

  it('is declined to whoever would not know it, and held to by an award', async () => {
    rig = await createAgentRig(asking(5_000_000n))
    const old = await (await rig.requester.ask({}, { takesMinimumCharge: false })).answer()
    assert.equal(old.decline?.code, 'MINIMUM_CHARGE_UNKNOWN')
    const asked = await rig.requester.ask()
    const { bid } = await asked.answer()
    assert.ok(bid)
    for (const minimumCharge of [0n, 4_999_999n, 5_000_001n]) {
      assert.equal((await rig.requester.award(asked, bid, { minimumCharge })).code, 'PRICE_CHANGED')
    }
    assert.equal((await rig.requester.award(asked, bid)).accepted, true)
  })

  it('changes nothing for peers from before it where there is none', async () => {
    rig = await createAgentRig()
    const asked = await rig.requester.ask({}, { takesMinimumCharge: false })
    const { bid } = await asked.answer()
    assert.ok(bid)
    assert.equal((await rig.requester.award(asked, bid, { minimumCharge: 0n })).accepted, true)
  })
})
