import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { checkReceipt } from '../../../protocol/market-messages.ts'
import { type AgentRig, createAgentRig } from '../../support/agent-rig.ts'
import type { Follow } from '../../support/test-requester.ts'

/** What each heartbeat so far says, in ms. */
function meteredBy({ messages }: Follow): number[] {
  return messages.flatMap(({ content }) => (content.case === 'heartbeat' ? [Number(content.value.meteredMs)] : []))
}

describe('heartbeats of a lease', () => {
  let rig: AgentRig

  afterEach(async () => await rig.stop())

  it('tell the metered time', async () => {
    rig = await createAgentRig()
    const { follow } = await rig.run()
    await follow.report('started')
    await rig.clock.advance(10_500)
    assert.deepEqual(meteredBy(follow), [1, 5_000, 10_000])
  })

  it('tell the time in which the agent was held up, once the engine has said that the container runs', async () => {
    rig = await createAgentRig()
    const { follow } = await rig.run()
    await follow.report('started')
    await rig.clock.advance(5_500)
    await rig.clock.holdUp(14_500)
    await rig.clock.advance(5_000)
    assert.deepEqual(meteredBy(follow), [1, 5_000, 20_000, 25_000])
  })

  it('tell no time of which the engine has not said that it ran, however late its end is heard of', async () => {
    rig = await createAgentRig()
    const { wait } = rig.engine
    const heard = Promise.withResolvers<void>()
    rig.engine.wait = async (...args) => {
      const exit = await wait(...args)
      await heard.promise
      return exit
    }
    rig.engine.script = () => ({ runMs: 7_000 })
    const { follow } = await rig.run()
    await follow.report('started')
    await rig.clock.advance(20_500)
    assert.deepEqual(meteredBy(follow), [1, 5_000, 5_000, 5_000, 5_000])
    heard.resolve()
    const { receipt } = await follow.report('ended')
    assert.ok(receipt)
    assert.equal((await checkReceipt(receipt)).receipt.meteredSeconds, 7n)
  })

  it('tell no time in which the engine did not answer, and go on with its word', async () => {
    rig = await createAgentRig()
    const { list } = rig.engine
    const answers = Promise.withResolvers<void>()
    const { follow } = await rig.run()
    await follow.report('started')
    await rig.clock.advance(5_500)
    let asked = 0
    rig.engine.list = async (...args) => {
      asked += 1
      await answers.promise
      return await list(...args)
    }
    await rig.clock.advance(11_500)
    assert.deepEqual(meteredBy(follow), [1, 5_000, 5_000, 5_000])
    assert.equal(asked, 1, 'one question at a time')
    answers.resolve()
    await rig.clock.advance(6_000)
    assert.deepEqual(meteredBy(follow), [1, 5_000, 5_000, 5_000, 22_000])
  })
})

describe('what is billed of a start that was acknowledged late', () => {
  let rig: AgentRig

  afterEach(async () => await rig.stop())

  const cases: [name: string, lateMs: number, seconds: bigint][] = [
    ['is its run, where that was soon', 100, 15n],
    ['is what the requester can bear out', 6_000, 14n],
    ['is no more than a heartbeat less', 12_000, 10n],
  ]
  for (const [name, lateMs, seconds] of cases) {
    it(name, async () => {
      rig = await createAgentRig()
      rig.engine.script = () => ({ runMs: 15_000 })
      const { follow } = await rig.run({ duration: 60 })
      await follow.report('started')
      await rig.clock.advance(lateMs)
      await follow.ack(follow.reports.at(-1)?.sequence ?? 0n)
      await rig.clock.advance(16_000)
      const { receipt } = await follow.report('ended')
      assert.ok(receipt)
      assert.equal((await checkReceipt(receipt)).receipt.meteredSeconds, seconds)
    })
  }
})
