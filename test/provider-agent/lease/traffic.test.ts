/** What a job sends and receives, from the bid to the receipt. */

import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import type { Receipt, Report_Ended } from '../../../protocol/gen/cortex/v1/market_pb.js'
import { checkReceipt } from '../../../protocol/market-messages.ts'
import { chargeOf } from '../../../protocol/money.ts'
import { DEFAULT_PRICES } from '../../../provider-agent/prices/default-prices.ts'
import { type AgentRig, createAgentRig, type RigInit } from '../../support/agent-rig.ts'

const MiB = 2 ** 20
const GIB = 2 ** 30
const PER_GB = 20_000_000n

const asking = (more: RigInit = {}): RigInit => ({
  prices: { ...DEFAULT_PRICES, networkPerGb: PER_GB },
  offers: { countsTraffic: true },
  ...more,
})

async function receiptOf({ receipt }: Report_Ended): Promise<Receipt> {
  assert.ok(receipt)
  return (await checkReceipt(receipt)).receipt
}

describe('traffic that has a price', () => {
  let rig: AgentRig

  afterEach(async () => await rig.stop())

  it('is in the bid, the award and the receipt, and billed to the byte', async () => {
    rig = await createAgentRig(asking())
    const { bid, name, follow } = await rig.run({ maxNetwork: '1Gi' })
    assert.equal(bid.pricePerGb, PER_GB)
    const container = await rig.container(name)
    await follow.report('started')
    container.traffic = 300 * MiB
    await rig.clock.advance(2_500)
    assert.equal(rig.agent.status().leases[0]?.networkBytes, 300 * MiB)
    // After the last look, and before the end.
    container.traffic = 512 * MiB
    container.exit(0)
    const receipt = await receiptOf(await follow.report('ended'))
    assert.deepEqual([receipt.networkBytes, receipt.pricePerGb], [BigInt(GIB / 2), PER_GB])
    const used = { seconds: Number(receipt.meteredSeconds), networkBytes: GIB / 2 }
    assert.equal(receipt.costNanoUsd, chargeOf(receipt, used))
    assert.equal((await rig.agent.earnings(0)).total.earned, receipt.costNanoUsd)
  })

  it('counts from what its network had before, and over a restart of the agent', async () => {
    rig = await createAgentRig(asking())
    let name = ''
    rig.engine.script = (spec) => {
      name = spec.name
      return {}
    }
    const run = rig.run({ maxNetwork: '1Gi' })
    const { follow } = await run
    const container = await rig.container(name)
    await follow.report('started')
    container.traffic = 10 * MiB
    await rig.clock.advance(2_000)
    await rig.restart()
    container.traffic = 30 * MiB
    await rig.clock.advance(10_000)
    assert.equal(rig.agent.status().leases[0]?.networkBytes, 30 * MiB)
  })

  it('ends the job where it is more than it may, and bills no more than that', async () => {
    rig = await createAgentRig(asking())
    const { name, follow } = await rig.run({ maxNetwork: '100Mi' })
    const container = await rig.container(name)
    await follow.report('started')
    container.traffic = 100 * MiB
    await rig.clock.advance(3_000)
    assert.equal(container.state, 'running', 'as much as it may')
    container.traffic = 130 * MiB
    await rig.clock.advance(3_000)
    const ended = await follow.report('ended')
    assert.deepEqual([ended.outcome, ended.failureCode], ['failed', 'RESOURCE_LIMIT_EXCEEDED'])
    assert.equal(ended.details.reason, 'network-limit')
    assert.match(ended.message, /sent and received 130 ?MiB?.*maxNetwork is 100 ?MiB?/)
    assert.equal((await receiptOf(ended)).networkBytes, BigInt(100 * MiB))
  })

  it('is asked of nobody who does not say how much it may be, and costs nothing without a network', async () => {
    rig = await createAgentRig(asking())
    await assert.rejects(rig.run(), /Declined: TRAFFIC_UNLIMITED asks \$0\.02 per GB/)
    const { bid } = await rig.run({ network: 'none' })
    assert.equal(bid.pricePerGb, 0n)
  })

  it('is not asked where nothing counts it', async () => {
    rig = await createAgentRig(asking({ offers: { countsTraffic: false } }))
    const { bid } = await rig.run()
    assert.equal(bid.pricePerGb, 0n)
    await assert.rejects(rig.run({ maxNetwork: '1Gi' }), /Declined: CAPABILITY_MISSING does not offer network-limit/)
  })
})

it('a limit of traffic holds without a price, too, and nothing is billed for it', async () => {
  const rig = await createAgentRig({ offers: { countsTraffic: true } })
  const { bid, name, follow } = await rig.run({ maxNetwork: '1Mi' })
  assert.equal(bid.pricePerGb, 0n)
  const container = await rig.container(name)
  await follow.report('started')
  container.traffic = 2 * MiB
  await rig.clock.advance(3_000)
  const ended = await follow.report('ended')
  const receipt = await receiptOf(ended)
  assert.equal(ended.details.reason, 'network-limit')
  assert.equal(receipt.costNanoUsd, chargeOf(receipt, { seconds: Number(receipt.meteredSeconds), networkBytes: 0 }))
  await rig.stop()
})
