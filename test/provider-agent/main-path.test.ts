import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { checkReceipt } from '../../protocol/market-messages.ts'
import { costOf, pricePerHour } from '../../protocol/money.ts'
import { DEFAULT_PRICES } from '../../provider-agent/prices/default-prices.ts'
import { type AgentRig, createAgentRig } from '../support/agent-rig.ts'
import { until } from '../support/until.ts'

describe('provider agent', () => {
  let rig: AgentRig

  afterEach(async () => await rig.stop())

  it('bids, takes the award, runs the container and reports everything in order', async () => {
    rig = await createAgentRig()
    rig.engine.script = () => ({ lines: ['one', 'two'] })
    const { bid, name, follow, asked } = await rig.run({ env: { A: '1' }, secrets: { B: '2' } })
    assert.equal(bid.validForMs, 5_000)
    const container = await rig.container(name)
    assert.partialDeepStrictEqual(container.spec.env, { A: '1', B: '2', CORTEX_MEMORY: String(64 * 2 ** 20) })
    assert.equal(container.spec.owner, rig.provider)
    const { startedAtMs } = await follow.report('started')
    assert.equal(Number(startedAtMs), rig.clock.nowMs())
    const logs = await follow.report('logs')
    assert.deepEqual(
      logs.lines.map(({ line }) => line),
      ['one', 'two'],
    )
    await rig.clock.advance(2_500)
    container.print('three')
    await rig.clock.advance(50)
    container.exit(3)
    const ended = await follow.report('ended')
    assert.equal(ended.outcome, 'exited')
    assert.equal(ended.exitCode, 3)
    assert.deepEqual(
      follow.reports.map(({ sequence, content }) => [Number(sequence), content.case]),
      [
        [1, 'started'],
        [2, 'logs'],
        [3, 'stats'],
        [4, 'logs'],
        [5, 'ended'],
      ],
    )
    assert.ok(ended.receipt)
    const { receipt, signer } = await checkReceipt(ended.receipt)
    assert.equal(signer, rig.provider)
    assert.equal(receipt.meteredSeconds, 3n)
    const resources = { cpuMillis: 1000, memoryBytes: 64 * 2 ** 20, storageBytes: 2 ** 30, gpu: 0 }
    assert.equal(receipt.pricePerHour, pricePerHour(resources, DEFAULT_PRICES))
    assert.equal(receipt.costNanoUsd, costOf(receipt.pricePerHour, 3))
    assert.equal(receipt.jobId, asked.jobId)
    await rig.settle({ follow })
    await until(() => rig.engine.containers.size === 0)
    assert.deepEqual(rig.agent.status().free, rig.agent.status().total)
    assert.equal(rig.agent.status().failed, 1)
  })
})
