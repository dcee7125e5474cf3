import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { encode } from '../../../protocol/codec.ts'
import {
  AwardMessageSchema,
  JobRequestSchema,
  LeaseCommandSchema,
  LeaseHelloSchema,
} from '../../../protocol/gen/cortex/v1/market_pb.js'
import { signStatement } from '../../../protocol/statements.ts'
import { Protocol } from '../../../protocol/topics.ts'
import { type AgentRig, createAgentRig } from '../../support/agent-rig.ts'
import { createTestRequester, MARKET, type TestRequester } from '../../support/test-requester.ts'
import { until } from '../../support/until.ts'

describe('hostile peers', () => {
  let rig: AgentRig
  let villain: TestRequester

  beforeEach(async () => {
    rig = await createAgentRig()
    villain = createTestRequester({ peer: await rig.hub.join(66), clock: rig.clock })
  })

  /** Whatever was tried: nothing runs, nothing is held, and honest work goes on. */
  afterEach(async () => {
    const { name, follow } = await rig.run()
    const container = await rig.container(name)
    container.exit(0)
    await rig.settle({ follow })
    await rig.stop()
  })

  const refused = (): Record<string, number> => rig.network.counters().refused

  async function nothingHappened(): Promise<void> {
    await rig.hub.settled()
    assert.deepEqual(rig.agent.status().leases, [])
    assert.deepEqual(rig.agent.status().free, rig.agent.status().total)
    assert.equal(rig.engine.containers.size, 0)
  }

  it('an award from a peer that never asked', async () => {
    const asked = await rig.requester.ask()
    const { bid } = await asked.answer()
    assert.ok(bid)
    const reply = await villain.award(asked, { ...bid, bidId: randomBytes(16) })
    assert.equal(reply.code, 'BID_UNKNOWN')
    await rig.requester.release(bid)
    await nothingHappened()
  })

  it('an award of somebody else’s bid, in the villain’s own name', async () => {
    const asked = await rig.requester.ask()
    const { bid } = await asked.answer()
    assert.ok(bid)
    assert.equal((await villain.award(asked, bid)).code, 'NOT_THE_REQUESTER')
    await rig.requester.release(bid)
    await nothingHappened()
  })

  it('an award that the villain caught and sends itself', async () => {
    const asked = await rig.requester.ask()
    const { bid } = await asked.answer()
    assert.ok(bid)
    const statement = await rig.requester.signAward(asked, bid)
    assert.equal((await villain.sendAward(rig.provider, statement)).code, 'NOT_THE_REQUESTER')
    await rig.requester.release(bid)
    await nothingHappened()
  })

  it('an award in the requester’s name with the villain’s signature, or one changed after it was signed', async () => {
    const asked = await rig.requester.ask()
    const { bid } = await asked.answer()
    assert.ok(bid)
    const forged = await villain.signAward(asked, bid, { requester: rig.requester.network.peerId })
    await assert.rejects(villain.sendAward(rig.provider, forged))
    const honest = await rig.requester.signAward(asked, bid)
    const payload = Uint8Array.from(honest.payload)
    payload[payload.length - 1] = (payload[payload.length - 1] ?? 0) ^ 1
    await assert.rejects(villain.sendAward(rig.provider, { ...honest, payload }))
    const asBid = await signStatement('bid', honest.payload, rig.requester.peer.privateKey)
    await assert.rejects(villain.sendAward(rig.provider, asBid), 'signed, but as something else')
    assert.equal(refused()['penalty:award: WRONG_SIGNER'], 1)
    assert.equal(refused()['penalty:award: BAD_SIGNATURE'], 2)
    await rig.requester.release(bid)
    await nothingHappened()
  })

  it('an award of another market', async () => {
    const asked = await villain.ask()
    const { bid } = await asked.answer()
    assert.ok(bid)
    await assert.rejects(villain.award(asked, bid, { network: 'other' }))
    assert.equal(refused()['penalty:award: WRONG_NETWORK'], 1)
    await villain.release(bid)
    await nothingHappened()
  })

  it('a job id that is no id, and would be a container’s name', async () => {
    const asked = await villain.ask()
    const { bid } = await asked.answer()
    assert.ok(bid)
    for (const jobId of ['../../etc', 'job_', '', 'job_AAAAAAAAAAAA', 'job_000000000000/..']) {
      const sent = villain.award(asked, bid, { jobId })
      await assert.rejects(sent, `job id ${jobId}`)
    }
    // Enough is enough: the villain's fifth offence was its last.
    await assert.rejects(villain.award(asked, bid), { code: 'PEER_UNREACHABLE' })
    await rig.clock.advance(5_000)
    await nothingHappened()
  })

  it('a job under the id of somebody else’s running job', async () => {
    const { asked: victim, name, follow } = await rig.run()
    const container = await rig.container(name)
    const asked = await villain.ask()
    const { bid } = await asked.answer()
    assert.ok(bid)
    const reply = await villain.award({ ...asked, jobId: victim.jobId }, bid)
    assert.equal(reply.code, 'INVALID_JOB')
    assert.equal((await villain.award({ ...asked, jobId: victim.jobId }, bid, { fence: 2 })).accepted, true)
    assert.equal(container.state, 'running', 'a higher fence of another requester stops nothing')
    const own = await villain.follow(rig.provider, victim.jobId, 2)
    await own.command({ case: 'cancel', value: { commandId: 'c' } })
    await own.report('ended')
    await own.ack(own.reports.at(-1)?.sequence ?? 0n)
    assert.equal(container.state, 'running')
    container.exit(0)
    await rig.settle({ follow })
  })

  it('attaches to a stranger’s lease: hears nothing, changes nothing', async () => {
    const { asked, name, follow } = await rig.run({ env: { PRIVATE: 'x' } })
    const container = await rig.container(name)
    const spy = await villain.follow(rig.provider, asked.jobId)
    await spy.over
    assert.deepEqual(
      spy.messages.map(({ content }) => content.case),
      ['unknown'],
    )
    assert.equal(refused()['penalty:asked for another’s lease'], 1)
    const channel = await villain.network.open(rig.provider, Protocol.lease, { maxMessageBytes: 2 ** 20 })
    await channel.send(encode(LeaseHelloSchema, { jobId: asked.jobId, fence: 1 }))
    await channel.send(encode(LeaseCommandSchema, { content: { case: 'stale', value: {} } }))
    await rig.hub.settled()
    assert.equal(container.state, 'running')
    container.exit(0)
    await rig.settle({ follow })
  })

  const BYTES: [name: string, protocol: string, bytes: () => Uint8Array][] = [
    ['an oversized award', Protocol.award, () => new Uint8Array(2 ** 20 + 1)],
    ['noise for an award', Protocol.award, () => new Uint8Array(100).fill(255)],
    ['an empty award', Protocol.award, () => encode(AwardMessageSchema, {})],
    ['an oversized greeting', Protocol.lease, () => new Uint8Array(2 ** 16)],
    ['noise for a greeting', Protocol.lease, () => new Uint8Array(100).fill(255)],
    ['a greeting for no job', Protocol.lease, () => encode(LeaseHelloSchema, { jobId: '', fence: 1 })],
  ]

  for (const [name, protocol, bytes] of BYTES) {
    it(`${name}: the stream is over`, async () => {
      const channel = await villain.network.open(rig.provider, protocol, { maxMessageBytes: 2 ** 20 })
      await channel.send(bytes()).catch(() => undefined)
      await assert.rejects(channel.receive())
      await nothingHappened()
    })
  }

  it('oversized or senseless commands of a requester cost it the stream, not the job', async () => {
    const { follow, name } = await rig.run()
    const container = await rig.container(name)
    for (const bytes of [new Uint8Array(2 ** 16), new Uint8Array(9).fill(255)]) {
      const { asked } = { asked: follow }
      await asked.channel.send(bytes).catch(() => undefined)
      await asked.over
    }
    assert.equal(container.state, 'running')
    await rig.clock.advance(3_000)
    const { channel } = await rig.requester.called()
    await channel.send(encode(LeaseCommandSchema, { content: { case: 'stale', value: {} } }))
    await until(() => rig.agent.status().leases.length === 0)
  })

  it('says hello and then nothing, many times: streams are given up', async () => {
    const channels = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const channel = await villain.network.open(rig.provider, Protocol.award, { maxMessageBytes: 1_000 })
        return channel
      }),
    )
    await rig.clock.advance(10_000)
    for (const channel of channels) await assert.rejects(channel.receive())
    await nothingHappened()
  })

  it('requests that are malformed, oversized, of another market or replayed are not passed on', async () => {
    const asked = await villain.ask()
    const { bid } = await asked.answer()
    assert.ok(bid)
    await villain.release(bid)
    const author = villain.network.peerId
    rig.hub.inject('requests', new Uint8Array(50).fill(255), author)
    rig.hub.inject('requests', encode(JobRequestSchema, { network: 'other' }), author)
    rig.hub.inject('requests', new Uint8Array(9_000), author)
    rig.hub.inject('requests', asked.request, author)
    await rig.hub.settled()
    assert.deepEqual(
      ['MALFORMED', 'WRONG_NETWORK', 'TOO_LARGE', 'REPLAYED'].map((code) => refused()[code]),
      [1, 1, 1, 1],
    )
    await nothingHappened()
  })

  it('a flood of requests reserves no more than its share of answers and bids', async () => {
    const requests = await Promise.all(Array.from({ length: 400 }, async () => await villain.ask({ cpu: 10 })))
    await rig.hub.settled()
    const bids = requests.flatMap(({ answers }) => answers).filter(({ bid }) => bid !== null)
    assert.ok(bids.length <= 256, `${bids.length} bids`)
    assert.ok(rig.agent.status().free.cpuMillis >= 4_000 - 2_560)
    await rig.clock.advance(6_000)
    await nothingHappened()
  })

  it('an award that claims more than the request did, in every amount', async () => {
    for (const [field, value] of [
      ['cpuMillis', 4_000],
      ['memoryBytes', 2n ** 33n],
      ['storageBytes', 2n ** 40n],
      ['gpu', 1],
    ] as const) {
      const asked = await villain.ask()
      const { bid } = await asked.answer()
      assert.ok(bid)
      const job = { ...asked.job, resources: { ...asked.job.resources, [field]: value } }
      const reply = await villain.award(asked, bid, { job: job as never, network: MARKET })
      assert.equal(reply.code, 'REQUIREMENTS_CHANGED', field)
      await villain.release(bid)
    }
    await nothingHappened()
  })
})
