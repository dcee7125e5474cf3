/** A requester whose clock is hours from the provider's: both are told. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fromBinary } from '@bufbuild/protobuf'
import { nearestMiss } from '../../../node/market/bids/nearest-miss.ts'
import type { JobRecord } from '../../../node/store/index.ts'
import { BidMessageSchema } from '../../../protocol/gen/cortex/v1/market_pb.js'
import { jobSubmissionSchema } from '../../../protocol/job-spec.ts'
import { Protocol } from '../../../protocol/topics.ts'
import { checkSelf } from '../../../provider-agent/control/check.ts'
import { createAgentRig } from '../../support/agent-rig.ts'

const HOUR_MS = 3_600_000

describe('two clocks that are hours apart', () => {
  for (const hours of [-3, 3]) {
    const where = hours > 0 ? 'behind' : 'ahead of'
    it(`entry 23: a request from ${hours} h away is declined with the reason, whether broadcast or asked`, async (test) => {
      const rig = await createAgentRig()
      test.after(async () => await rig.stop())
      const createdAtMs = BigInt(rig.clock.nowMs() + hours * HOUR_MS)
      assert.equal(rig.agent.clockOff(), null)

      const asked = await rig.requester.ask({}, { createdAtMs })
      const { decline } = await asked.answer()
      assert.equal(decline?.code, 'CLOCK_OFF')
      assert.match(decline?.message ?? '', new RegExp(`3 h 0 min ${where}`))

      const again = await rig.requester.ask({}, { createdAtMs })
      const channel = await rig.requester.network.open(rig.provider, Protocol.ask, { maxMessageBytes: 64 * 1024 })
      await channel.send(again.request)
      const bytes = await channel.receive()
      assert.ok(bytes)
      const { content } = fromBinary(BidMessageSchema, bytes)
      assert.equal(content.case === 'decline' && content.value.code, 'CLOCK_OFF')

      // Both sides can read it.
      assert.match(rig.agent.clockOff() ?? '', new RegExp(`3 h 0 min ${where}`))
      const job = { spec: jobSubmissionSchema.parse({ image: 'busybox' }) } as unknown as JobRecord
      const declines = decline === null ? [] : [{ provider: rig.provider, name: 'far', decline }]
      const answers = { requestId: new Uint8Array(), digest: new Uint8Array(), offers: [], declines }
      const miss = nearestMiss(job, answers, [])
      assert.equal(miss.details.reason, 'clock-off')
      assert.match(miss.message, /clock/)
      // It is no breach, and is said once a minute to who broadcasts.
      assert.deepEqual(
        Object.keys(rig.network.counters().refused).filter((reason) => reason.startsWith('penalty')),
        [],
      )
      assert.equal(again.answers.length, 0)
    })
  }

  it('entry 23: the agent’s own check says so', () => {
    const facts = {
      ...{ peerId: 'p', addresses: ['a'], peers: 1, providers: [], refusal: null, paused: null, draining: false },
      ...{ terms: { pricePerHour: 1n, minimumCharge: 0n, pricePerGb: 0n, volumePerGbHour: 0n }, capabilities: [] },
      gpus: [],
      unsoldGpus: [],
      announceProblem: null,
      isolations: [],
      shared: { limits: null, connectionsAreCounted: true },
      bandwidth: { rate: null, problem: null },
      yielding: { weight: 10, inSwarm: false, problem: null },
    }
    const subjects = (clockOff: string | null) =>
      checkSelf({ ...facts, clockOff }).flatMap(({ subject, level }) => (subject === 'clock' ? [level] : []))
    assert.deepEqual([subjects(null), subjects('this machine’s clock is 3 h 0 min behind')], [[], ['problem']])
  })
})
