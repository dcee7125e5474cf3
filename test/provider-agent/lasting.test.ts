import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { type AgentRig, createAgentRig } from '../support/agent-rig.ts'
import { until } from '../support/until.ts'

describe('an agent that stops in the midst of a removal', () => {
  let rig: AgentRig
  afterEach(async () => await rig.stop())

  /** Stops once the removal of a container, which takes so long, has begun; resolves after so much time at the latest. */
  async function stopped(removeMs: number, withinMs: number): Promise<void> {
    rig = await createAgentRig()
    rig.engine.script = () => ({ removeMs })
    const { name, follow } = await rig.run()
    ;(await rig.container(name)).exit(0)
    await follow.report('ended')
    await until(() => rig.engine.calls.includes(`remove ${name}`))
    let isOver = false
    const stopping = rig.agent.stop().then(() => {
      isOver = true
    })
    await rig.clock.advance(withinMs - 100)
    assert.equal(isOver, false)
    await rig.clock.advance(200)
    await stopping
  }

  it('lets it come to its end: nothing is left half removed', async () => {
    await stopped(3_000, 3_000)
    assert.equal(rig.engine.containers.size, 0)
  })

  it('waits for 5 seconds at most, where the engine is not to be had', async () => {
    await stopped(3_600_000, 5_000)
    assert.equal(rig.engine.containers.size, 1)
  })

  it('begins none any more', async () => {
    rig = await createAgentRig()
    const { name } = await rig.run()
    await rig.container(name)
    await rig.agent.stop()
    assert.equal(rig.engine.containers.size, 1)
    assert.ok(!rig.engine.calls.includes(`remove ${name}`))
  })
})
