import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { checkReceipt } from '../../../protocol/market-messages.ts'
import { EngineError } from '../../../provider-agent/engine/index.ts'
import { type AgentRig, createAgentRig } from '../../support/agent-rig.ts'

describe('a container whose end nobody saw', () => {
  let rig: AgentRig

  afterEach(async () => await rig.stop())

  it('is charged for no longer than the container ran where nobody watched its end', async () => {
    rig = await createAgentRig()
    const { follow, name } = await rig.run({ duration: 600 })
    const container = await rig.container(name)
    await follow.report('started')
    await rig.clock.advance(3_000)
    rig.engine.setGone(true)
    container.exit(0)
    await rig.clock.advance(30_000)
    rig.engine.setGone(false)
    await rig.clock.advance(10_000)
    const { receipt } = await follow.report('ended')
    assert.ok(receipt)
    assert.equal((await checkReceipt(receipt)).receipt.meteredSeconds, 3n)
  })

  it('is charged for no longer than until the engine stopped it, however late it can be removed', async () => {
    rig = await createAgentRig()
    const stopped = Promise.withResolvers<never>()
    rig.engine.wait = async () => await stopped.promise
    const { follow } = await rig.run({ duration: 600 })
    await follow.report('started')
    await rig.clock.advance(3_000)
    rig.engine.setGone(true)
    stopped.reject(new EngineError('ENGINE_ERROR', 'the engine has stopped it', { reason: 'engine-stopped' }))
    await rig.clock.advance(30_000)
    rig.engine.setGone(false)
    await rig.clock.advance(10_000)
    const { receipt, details } = await follow.report('ended')
    assert.equal(details.reason, 'engine-stopped')
    assert.ok(receipt)
    assert.equal((await checkReceipt(receipt)).receipt.meteredSeconds, 3n)
  })

  it('is charged for no longer than it told of where it hears of a removal long after it', async () => {
    rig = await createAgentRig()
    const { follow, name } = await rig.run({ duration: 600 })
    const container = await rig.container(name)
    await follow.report('started')
    await rig.clock.advance(7_000)
    const removed = rig.clock.holdUp(60_000)
    await rig.engine.remove(name)
    await removed
    await rig.clock.advance(10_000)
    const { receipt, details } = await follow.report('ended')
    assert.equal(details.reason, 'container-lost')
    assert.equal(container.state, 'exited')
    assert.ok(receipt)
    const { meteredSeconds } = (await checkReceipt(receipt)).receipt
    assert.ok(meteredSeconds >= 5n && meteredSeconds <= 7n, `${meteredSeconds} s`)
  })

  for (const hasEnded of [true, false]) {
    it(`its log ${hasEnded ? 'may lack lines' : 'is whole'} where ${hasEnded ? 'it had ended' : 'it ran'} when an engine was back that went away at its start`, async () => {
      rig = await createAgentRig()
      const { start } = rig.engine
      let starts = 0
      rig.engine.start = async (...args) => {
        const answer = await start(...args)
        starts += 1
        if (starts > 1) return answer
        rig.engine.setGone(true)
        throw new EngineError('ENGINE_UNAVAILABLE', 'it does not answer')
      }
      const { follow, name } = await rig.run({ duration: 600 })
      const container = await rig.container(name)
      if (hasEnded) container.exit(0)
      await rig.clock.advance(1_000)
      rig.engine.setGone(false)
      await rig.clock.advance(10_000)
      container.exit(0)
      const { logProblem, outcome } = await follow.report('ended')
      assert.equal(outcome, 'exited')
      assert.match(logProblem, hasEnded ? /engine was away/ : /^$/)
      assert.ok(starts > 1)
    })
  }
})
