/** A provider's part in what its requester traces. */

import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type AgentRig, createAgentRig } from '../support/agent-rig.ts'
import { type RecordedSpan, recordSpans } from '../support/recorded-spans.ts'
import { until } from '../support/until.ts'

const ROUND = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`
const AWARD = `00-${'1'.repeat(32)}-${'3'.repeat(16)}-01`

describe('the spans of a provider', () => {
  let rig: AgentRig
  let spans: RecordedSpan[]

  beforeEach(async () => {
    const recorded = recordSpans()
    spans = recorded.spans
    rig = await createAgentRig({ components: { tracer: recorded.tracer } })
  })
  afterEach(async () => await rig.stop())

  /** Asks, awards, and waits for the container. */
  async function run(round: string, award: string): Promise<void> {
    const asked = await rig.requester.ask({}, { traceparent: round })
    const { bid } = await asked.answer()
    assert.ok(bid)
    assert.equal((await rig.requester.award(asked, bid, { traceparent: award })).accepted, true)
    await rig.container(`cortex-${asked.jobId}-1`)
  }

  it('are parts of the round and of the award, to the start of the container', async () => {
    await run(ROUND, AWARD)
    await until(() => spans.every(({ ended }) => ended))
    assert.deepEqual(
      spans.map(({ name, parent }) => [name, parent]),
      [
        ['cortex.bid', ROUND],
        ['cortex.accept', AWARD],
        ['cortex.pull', AWARD],
        ['cortex.create', AWARD],
        ['cortex.start', AWARD],
      ],
    )
    assert.equal(spans[1]?.attributes['cortex.outcome'], 'accepted')
  })

  for (const [what, text] of [
    ['traces nothing', ''],
    ['says nonsense', `00-${'1'.repeat(32)}-${'2'.repeat(16)}-zz`],
    ['says too much', 'x'.repeat(4_000)],
  ] as const) {
    it(`are none where the requester ${what}, and the job runs`, async () => {
      await run(text, text)
      assert.deepEqual(spans, [])
    })
  }
})
