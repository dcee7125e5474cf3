/** Jobs that write more than their requester takes. */

import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import type { Report } from '../../../protocol/gen/cortex/v1/market_pb.js'
import { type AgentRig, createAgentRig } from '../../support/agent-rig.ts'
import { until } from '../../support/until.ts'

/** The lines in reports, with their numbers. */
function linesOf(reports: readonly Report[]): [number, string][] {
  return reports.flatMap(({ content }) =>
    content.case === 'logs'
      ? content.value.lines.map(({ line }, i): [number, string] => [Number(content.value.firstLine) + i, line])
      : [],
  )
}

describe('the output of a job that writes much', () => {
  let rig: AgentRig

  afterEach(async () => await rig.stop())

  /** Output of 8 MB of a container that ends at once, for a requester that acknowledges nothing by itself. */
  async function flooded() {
    rig = await createAgentRig()
    const lines = Array.from({ length: 800 }, (_, i) => `${i}${'x'.repeat(10_000)}`)
    rig.engine.script = () => ({ lines, runMs: 2_000 })
    const { follow } = await rig.run()
    await follow.report('started')
    await until(() => linesOf(follow.reports).length > 300)
    await rig.clock.advance(2_000)
    return { follow, lines }
  }

  it('reads no more of an output than its requester can take, drops none of it, and gives it whole where that comes', async () => {
    const { follow, lines } = await flooded()
    assert.ok(linesOf(follow.reports).length < lines.length)
    for (let acked = 0; !follow.reports.some(({ content }) => content.case === 'ended'); ) {
      const newest = Number(follow.reports.at(-1)?.sequence ?? 0)
      if (newest > acked) await follow.ack(newest)
      acked = newest
      await rig.clock.advance(50)
    }
    const { logProblem } = await follow.report('ended')
    assert.equal(logProblem, '')
    assert.deepEqual(
      linesOf(follow.reports).map(([, line]) => line),
      lines,
    )
  })

  it('tells an end before its requester thinks it overdue, whatever the job wrote, and that lines are missing', async () => {
    const { follow, lines } = await flooded()
    await rig.clock.advance(35_000)
    const { logProblem } = await follow.report('ended')
    assert.match(logProblem, /wrote more than could be carried/)
    assert.ok(linesOf(follow.reports).length < lines.length)
  })

  it('reads no output to its end for a requester that cancels', async () => {
    const { follow } = await flooded()
    await follow.command({ case: 'cancel', value: { commandId: 'c' } })
    await follow.message(({ content }) => content.case === 'reply')
    await rig.clock.advance(3_000)
    await follow.report('ended')
  })
})
