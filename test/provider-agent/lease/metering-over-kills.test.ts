import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { checkReceipt } from '../../../protocol/market-messages.ts'
import { type AgentRig, createAgentRig } from '../../support/agent-rig.ts'
import type { Script } from '../../support/fake-script.ts'
import { until } from '../../support/until.ts'

const HOUR_MS = 3_600_000
/** How long the container runs, and what that is billed to. */
const RUN_MS = 4_100
const SECONDS = 5n

interface Kill {
  at: string
  /** What holds the engine up there. */
  script: Script
  /** Which call of the engine is under way when the agent dies; its container runs where there is none. */
  during: string | null
  /** Whether the container runs while no agent does. */
  runsAlone: boolean
}

const KILLS: Kill[] = [
  { at: 'while it pulls', script: { pullMs: 60_000 }, during: 'pull', runsAlone: false },
  { at: 'while it creates', script: { createMs: 60_000 }, during: 'create', runsAlone: false },
  { at: 'before the engine starts it', script: { startMs: 500 }, during: 'start', runsAlone: true },
  { at: 'before it hears of the start', script: { startToldMs: 60_000 }, during: 'start', runsAlone: true },
  { at: 'after it told of the start', script: {}, during: null, runsAlone: true },
]

describe('what a container is billed to whose agent was killed', () => {
  let rig: AgentRig

  afterEach(async () => await rig.stop())

  async function billed({ script, during, runsAlone }: Kill, how: { aheadMs: number; setMs: number; awayMs: number }) {
    rig = await createAgentRig()
    rig.engine.aheadMs = how.aheadMs
    const held: Script = { ...script, runMs: RUN_MS }
    rig.engine.script = () => held
    const { asked, name, follow } = await rig.run({ duration: 600 })
    await until(() => rig.engine.calls.some((call) => during === null || call.startsWith(during)))
    if (during === null) {
      await follow.report('started')
      await rig.clock.advance(1_000)
    }
    rig.crash()
    // The agent's own clock is set while nobody is there to see it.
    rig.clock.jump(how.setMs)
    rig.engine.aheadMs -= how.setMs
    await rig.clock.advance(how.awayMs)
    // What comes after is as quick as can be.
    Object.assign(held, { pullMs: 0, createMs: 0, startToldMs: 0 })
    assert.equal((rig.engine.starts.get(name) ?? 0) > 0, runsAlone)
    await rig.boot()
    const again = await rig.requester.follow(rig.provider, asked.jobId)
    await rig.clock.advance(20_000)
    const { receipt, failureCode } = await again.report('ended')
    assert.equal(failureCode, '')
    assert.ok(receipt)
    await rig.settle({ follow: again })
    return (await checkReceipt(receipt)).receipt.meteredSeconds
  }

  for (const kill of KILLS) {
    for (const aheadMs of [0, HOUR_MS, -HOUR_MS]) {
      for (const setMs of [0, HOUR_MS, -HOUR_MS]) {
        const clocks = `engine ${aheadMs / HOUR_MS} h ahead, agent set ${setMs / HOUR_MS} h`
        it(`is its run, ${kill.at} (${clocks})`, async () => {
          assert.equal(await billed(kill, { aheadMs, setMs, awayMs: 2_000 }), SECONDS, 'it runs on')
          await rig.stop()
          assert.equal(await billed(kill, { aheadMs, setMs, awayMs: 30_000 }), SECONDS, 'it has ended meanwhile')
        })
      }
    }
  }
})
