import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { fromBinary } from '@bufbuild/protobuf'
import type { Channel } from '../../../node/network/index.ts'
import { encode } from '../../../protocol/codec.ts'
import { BidMessageSchema, JobRequestSchema } from '../../../protocol/gen/cortex/v1/market_pb.js'
import { type JobSubmission, jobSubmissionSchema } from '../../../protocol/job-spec.ts'
import { encodedRequirements } from '../../../protocol/job-wire.ts'
import { checkBid } from '../../../protocol/market-messages.ts'
import { Protocol } from '../../../protocol/topics.ts'
import { type AgentRig, createAgentRig } from '../../support/agent-rig.ts'
import { MARKET } from '../../support/test-requester.ts'
import { until } from '../../support/until.ts'

describe('a question over a stream', () => {
  let rig: AgentRig

  beforeEach(async () => {
    rig = await createAgentRig({ engine: { cpuMillis: 4_000, memoryBytes: 8 * 2 ** 30 } })
  })
  afterEach(async () => await rig.stop())

  const requestFor = (job: Partial<JobSubmission> = {}): Uint8Array =>
    encode(JobRequestSchema, {
      network: MARKET,
      requestId: randomBytes(16),
      requirements: encodedRequirements(jobSubmissionSchema.parse({ image: 'busybox', cpu: 1_000, ...job })),
      bidWindowMs: 1_000,
      samplePerMillion: 1, // nobody is sampled: who is asked answers
      createdAtMs: BigInt(rig.clock.nowMs()),
    })

  const ask = async (request: Uint8Array): Promise<Channel> => {
    const channel = await rig.requester.network.open(rig.provider, Protocol.ask, { maxMessageBytes: 64 * 1024 })
    await channel.send(request)
    return channel
  }

  const bidOn = async (channel: Channel) => {
    const bytes = await channel.receive()
    assert.ok(bytes)
    const { content } = fromBinary(BidMessageSchema, bytes)
    assert.equal(content.case, 'bid')
    return await checkBid(content.value, MARKET)
  }

  const freeCpu = (): number => rig.agent.status().free.cpuMillis
  const penalties = (): number =>
    Object.entries(rig.network.counters().refused).reduce(
      (sum, [name, n]) => sum + (name.startsWith('penalty:ask') ? n : 0),
      0,
    )

  it('is answered on it, and its end releases the bid', async () => {
    const channel = await ask(requestFor())
    const bid = await bidOn(channel)
    assert.equal(bid.provider, rig.provider)
    assert.equal(freeCpu(), 3_000)
    await channel.close()
    await until(() => freeCpu() === 4_000)
    assert.equal(await channel.receive(), null)
  })

  it('holds the bid to its expiry where the stream breaks: the award may come over another', async () => {
    const channel = await ask(requestFor())
    await bidOn(channel)
    channel.abort(new Error('The connection was lost'))
    await rig.clock.advance(4_000)
    assert.equal(freeCpu(), 3_000)
    await rig.clock.advance(2_000)
    assert.equal(freeCpu(), 4_000)
  })

  it('holds against its requester that a bid was kept for long and not taken', async () => {
    for (let round = 0; round < 3; round += 1) {
      const channel = await ask(requestFor())
      await bidOn(channel)
      await rig.clock.advance(4_500)
      await channel.close()
      await until(() => freeCpu() === 4_000)
      await rig.clock.advance(1_000)
    }
    const channel = await ask(requestFor({ cpu: 3_000 }))
    const bytes = await channel.receive()
    assert.ok(bytes)
    const { content } = fromBinary(BidMessageSchema, bytes)
    assert.deepEqual(
      [content.case, content.case === 'decline' && content.value.code],
      ['decline', 'CLIENT_SHARE_EXCEEDED'],
    )
  })

  it('is declined with the reason where it does not fit', async () => {
    const channel = await ask(requestFor({ cpu: 9_000 }))
    const bytes = await channel.receive()
    assert.ok(bytes)
    const { content } = fromBinary(BidMessageSchema, bytes)
    assert.equal(content.case === 'decline' && content.value.code, 'OVER_TOTAL_CAPACITY')
    assert.equal(await channel.receive(), null, 'the provider closes: there is nothing to decide')
  })

  const breaches: [name: string, second: (request: Uint8Array) => Promise<void>][] = [
    ['asking the same twice', async (request) => void (await ask(request))],
    [
      'asking for another provider',
      async () => void (await ask(requestFor({ provider: rig.requester.network.peerId }))),
    ],
    ['what is no request', async () => void (await ask(Uint8Array.of(1, 2, 3)))],
  ]
  for (const [name, breach] of breaches) {
    it(`takes ${name} amiss, and keeps nothing for it`, async () => {
      const request = requestFor()
      const channel = await ask(request)
      await bidOn(channel)
      await breach(request)
      await until(() => penalties() === 1)
      assert.equal(freeCpu(), 3_000)
    })
  }

  it('takes more words after the question amiss', async () => {
    const channel = await ask(requestFor())
    await bidOn(channel)
    await channel.send(Uint8Array.of(1))
    await until(() => penalties() === 1)
  })
})
