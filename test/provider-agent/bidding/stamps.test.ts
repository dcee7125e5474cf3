/** A busy provider that asks for stamps. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { fromBinary } from '@bufbuild/protobuf'
import { encode } from '../../../protocol/codec.ts'
import { BidMessageSchema, JobRequestSchema } from '../../../protocol/gen/cortex/v1/market_pb.js'
import { jobSubmissionSchema } from '../../../protocol/job-spec.ts'
import { encodedRequirements } from '../../../protocol/job-wire.ts'
import { makeStamp } from '../../../protocol/stamp.ts'
import { Protocol } from '../../../protocol/topics.ts'
import { type AgentRig, createAgentRig } from '../../support/agent-rig.ts'
import { MARKET } from '../../support/test-requester.ts'

const BITS = 8
const OTHERS = 4

async function ask(rig: AgentRig, network: AgentRig['network'], bits: number) {
  const requestId = randomBytes(16)
  const stamped = { network: MARKET, requester: network.peerId, requestId }
  const request = encode(JobRequestSchema, {
    ...{ network: MARKET, requestId, bidWindowMs: 1_000, samplePerMillion: 1_000_000 },
    requirements: encodedRequirements(jobSubmissionSchema.parse({ image: 'busybox', cpu: 9_000 })),
    createdAtMs: BigInt(rig.clock.nowMs()),
    stamp: bits === 0 ? new Uint8Array() : await makeStamp(stamped, bits, async () => {}),
  })
  const channel = await network.open(rig.provider, Protocol.ask, { maxMessageBytes: 64 * 1024 })
  await channel.send(request)
  const bytes = await channel.receive()
  assert.ok(bytes)
  const { content } = fromBinary(BidMessageSchema, bytes)
  assert.equal(content.case, 'decline')
  return content.value
}

/** A provider that has just answered 500 requests, 125 of each of four peers. */
async function busy(stampBits: number) {
  const rig = await createAgentRig({ stampBits })
  for (let i = 0; i < OTHERS; i += 1) {
    const { network } = await rig.hub.join(10 + i)
    for (let count = 0; count < 500 / OTHERS; count += 1) await ask(rig, network, 0)
  }
  return rig
}

describe('a provider that many ask', () => {
  it('declines requests without enough work, says how much it wants, and answers the others', async (test) => {
    const rig = await busy(BITS)
    test.after(async () => await rig.stop())
    const { network } = rig.requester
    const { code, stampBits } = await ask(rig, network, 0)
    assert.deepEqual([code, stampBits], ['STAMP_REQUIRED', BITS])
    assert.equal((await ask(rig, network, BITS)).code, 'OVER_TOTAL_CAPACITY')
    await rig.clock.advance(10_000)
    assert.equal((await ask(rig, network, 0)).code, 'OVER_TOTAL_CAPACITY', 'it is no longer busy')
  })

  it('asks for none where its owner wants none', async (test) => {
    const rig = await busy(0)
    test.after(async () => await rig.stop())
    assert.equal((await ask(rig, rig.requester.network, 0)).code, 'OVER_TOTAL_CAPACITY')
  })
})
