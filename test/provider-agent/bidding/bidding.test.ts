import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import fc from 'fast-check'
import { fromWireResources } from '../../../protocol/codec.ts'
import type { Bid } from '../../../protocol/gen/cortex/v1/market_pb.js'
import { isSampled } from '../../../protocol/sample.ts'
import { type AgentRig, createAgentRig } from '../../support/agent-rig.ts'
import { createTestRequester } from '../../support/test-requester.ts'
import { until } from '../../support/until.ts'

const CORES = { cpuMillis: 4_000, memoryBytes: 8 * 2 ** 30 }

describe('bidding', () => {
  let rig: AgentRig

  afterEach(async () => await rig.stop())

  it('reserves before it bids, and the bid says what stays free beside it', async () => {
    rig = await createAgentRig({ engine: CORES })
    const { bid } = await (await rig.requester.ask({ cpu: 1_500 })).answer()
    assert.ok(bid)
    assert.equal(fromWireResources(bid.free).cpuMillis, 2_500)
    assert.equal(rig.agent.status().free.cpuMillis, 2_500)
  })

  it('frees what nobody awarded when the bid expires', async () => {
    rig = await createAgentRig({ engine: CORES, reservationMs: 2_000 })
    const { bid } = await (await rig.requester.ask({}, { bidWindowMs: 100 })).answer()
    assert.equal(bid?.validForMs, 2_000)
    await rig.clock.advance(1_999)
    assert.equal(rig.agent.status().free.cpuMillis, 3_000)
    await rig.clock.advance(1)
    assert.equal(rig.agent.status().free.cpuMillis, 4_000)
  })

  it('holds longer for a longer bid window, up to three times', async () => {
    rig = await createAgentRig({ engine: CORES, reservationMs: 2_000 })
    const { bid: longer } = await (await rig.requester.ask({}, { bidWindowMs: 2_500 })).answer()
    assert.equal(longer?.validForMs, 5_000)
    const { bid: longest } = await (await rig.requester.ask({}, { bidWindowMs: 60_000 })).answer()
    assert.equal(longest?.validForMs, 6_000)
  })

  it('frees at once what its requester releases, and nothing that others release', async () => {
    rig = await createAgentRig({ engine: CORES })
    const { bid } = await (await rig.requester.ask()).answer()
    assert.ok(bid)
    const stranger = createTestRequester({ peer: await rig.hub.join(7), clock: rig.clock })
    await stranger.release(bid)
    assert.equal(rig.agent.status().free.cpuMillis, 3_000)
    await rig.requester.release(bid)
    assert.equal(rig.agent.status().free.cpuMillis, 4_000)
    await rig.requester.release(bid)
    assert.equal(rig.agent.status().free.cpuMillis, 4_000)
  })

  it('declines with figures when it is full', async () => {
    rig = await createAgentRig({ engine: CORES })
    await (await rig.requester.ask({ cpu: 3_000 })).answer()
    const { decline } = await (await rig.requester.ask({ cpu: 2_000 })).answer()
    assert.equal(decline?.code, 'INSUFFICIENT_CAPACITY')
    assert.equal(decline?.message, 'has 1000m CPU free, 2000m CPU asked')
  })

  it('answers a request once, however often it comes', async () => {
    rig = await createAgentRig({ engine: CORES })
    const asked = await rig.requester.ask()
    await asked.answer()
    rig.hub.inject('requests', asked.request, rig.requester.network.peerId)
    await rig.hub.settled()
    assert.equal(asked.answers.length, 1)
    assert.equal(rig.agent.status().free.cpuMillis, 3_000)
    assert.equal(rig.network.counters().refused.REPLAYED, 1)
  })

  it('says nothing to requests that it is not sampled for, unless it is the one asked for', async () => {
    rig = await createAgentRig({ engine: CORES })
    const none = await rig.requester.ask({}, { samplePerMillion: 1 })
    const named = await rig.requester.ask({ provider: rig.provider }, { samplePerMillion: 1 })
    const other = await rig.requester.ask({ provider: rig.requester.network.peerId })
    assert.ok((await named.answer()).bid)
    await rig.hub.settled()
    // One in a million: this test would have to meet its own peer id's hash.
    assert.equal(isSampled(none.requestId, rig.provider, 1), false)
    assert.deepEqual([none.answers.length, other.answers.length], [0, 0])
  })

  it('declines while it is drained, and bids again when it is resumed', async () => {
    rig = await createAgentRig({ engine: CORES })
    await rig.agent.drain()
    assert.equal((await (await rig.requester.ask()).answer()).decline?.code, 'DRAINING')
    await rig.agent.resume()
    assert.ok((await (await rig.requester.ask()).answer()).bid)
  })

  it('gives back what it reserved when its bid cannot be delivered', async () => {
    rig = await createAgentRig({ engine: CORES })
    rig.hub.rule = ({ kind, from }) => (kind === 'open' && from === rig.provider ? 'drop' : 'pass')
    await rig.requester.ask()
    await until(() => rig.network.counters().delivered === 1)
    await rig.hub.settled()
    await until(() => rig.agent.status().free.cpuMillis === 4_000)
  })

  it('lets a requester that never awards lock less and less of the machine', async () => {
    rig = await createAgentRig({ engine: CORES })
    const whole: string[] = []
    for (let round = 0; round < 5; round += 1) {
      const answer = await (await rig.requester.ask({ cpu: 4_000 })).answer()
      whole.push(answer.bid === null ? answer.decline.code : 'bid')
      await rig.clock.advance(6_000)
    }
    assert.deepEqual(whole, ['bid', 'bid', 'CLIENT_SHARE_EXCEEDED', 'CLIENT_SHARE_EXCEEDED', 'CLIENT_SHARE_EXCEEDED'])
    const honest = createTestRequester({ peer: await rig.hub.join(7), clock: rig.clock })
    assert.ok((await (await honest.ask({ cpu: 4_000 })).answer()).bid)
  })

  it('bids to one who has awarded here over the bids of strangers, who then find no room', async () => {
    rig = await createAgentRig({ engine: CORES })
    const join = async (seed: number) => createTestRequester({ peer: await rig.hub.join(seed), clock: rig.clock })
    const known = await rig.run({ cpu: 1_000 })
    const strangers = await Promise.all([7, 8, 9].map(join))
    const bids = await Promise.all(
      strangers.map(async (stranger) => {
        const asked = await stranger.ask({ cpu: 1_000 })
        return { stranger, asked, bid: (await asked.answer()).bid as Bid }
      }),
    )
    const late = await (await (await join(10)).ask({ cpu: 1_000 })).answer()
    assert.equal(late.decline?.code, 'INSUFFICIENT_CAPACITY', 'the first strangers hold the rest')

    const asked = await rig.requester.ask({ cpu: 2_500 })
    const { bid } = await asked.answer()
    assert.ok(bid)
    assert.equal(fromWireResources(bid.free).cpuMillis, 500)
    const [first] = bids
    assert.ok(first)
    const refused = await first.stranger.award(first.asked, first.bid)
    assert.deepEqual([refused.accepted, refused.code], [false, 'INSUFFICIENT_CAPACITY'])
    assert.equal((await first.stranger.award(first.asked, first.bid)).code, 'BID_EXPIRED')
    assert.equal((await rig.requester.award(asked, bid)).accepted, true)
    assert.equal(rig.agent.status().leases.length, 2)
    assert.equal((await rig.container(known.name)).state, 'running')
  })

  it('knows after a restart who has awarded here', async () => {
    rig = await createAgentRig({ engine: CORES })
    rig.engine.script = () => ({ runMs: 10 })
    const { follow } = await rig.run({ cpu: 1_000 })
    await rig.clock.advance(100)
    await rig.settle({ follow })
    await rig.restart()
    const stranger = createTestRequester({ peer: await rig.hub.join(), clock: rig.clock })
    assert.ok((await (await stranger.ask({ cpu: 4_000 })).answer()).bid)
    assert.ok((await (await rig.requester.ask({ cpu: 4_000 })).answer()).bid)
  })

  it('bounds the bids that one requester may have open', async () => {
    rig = await createAgentRig({ engine: CORES, maxOpenBidsPerRequester: 3 })
    const answers = []
    for (let i = 0; i < 4; i += 1) answers.push(await (await rig.requester.ask({ cpu: 10 })).answer())
    assert.deepEqual(
      answers.map(({ decline }) => decline?.code ?? 'bid'),
      ['bid', 'bid', 'bid', 'CLIENT_SHARE_EXCEEDED'],
    )
  })

  it('answers every request of a burst', async () => {
    rig = await createAgentRig({ engine: CORES })
    const asked = await Promise.all(Array.from({ length: 300 }, async () => await rig.requester.ask({ cpu: 100 })))
    const answers = await Promise.all(asked.map(async (round) => await round.answer()))
    const bids = answers.filter(({ bid }) => bid !== null)
    assert.equal(bids.length, 40, 'as many as fit')
    assert.ok(answers.every(({ bid, decline }) => bid !== null || decline.code === 'INSUFFICIENT_CAPACITY'))
  })

  it('never promises more than it has to 20 that ask at once', async () => {
    const job = fc.record({ cpu: fc.integer({ min: 10, max: 2_500 }), memoryMi: fc.integer({ min: 6, max: 4_096 }) })
    await fc.assert(
      fc.asyncProperty(fc.array(job, { minLength: 20, maxLength: 20 }), fc.array(fc.nat(2)), async (jobs, fates) => {
        rig = await createAgentRig({ engine: CORES })
        const asked = await Promise.all(
          jobs.map(async ({ cpu, memoryMi }) => await rig.requester.ask({ cpu, memory: `${memoryMi}Mi` })),
        )
        const answers = await Promise.all(asked.map(async (round) => await round.answer()))
        const promised: Record<'cpuMillis' | 'memoryBytes', number> = { cpuMillis: 0, memoryBytes: 0 }
        for (const [i, { bid }] of answers.entries()) {
          if (bid === null) continue
          promised.cpuMillis += jobs[i]?.cpu ?? 0
          promised.memoryBytes += (jobs[i]?.memoryMi ?? 0) * 2 ** 20
        }
        assert.ok(promised.cpuMillis <= CORES.cpuMillis && promised.memoryBytes <= CORES.memoryBytes)
        const { free, total } = rig.agent.status()
        assert.equal(total.cpuMillis - free.cpuMillis, promised.cpuMillis)
        // Some are awarded, some released, some left to expire: what runs never takes more than there is.
        await Promise.all(
          answers.map(async ({ bid }, i) => {
            const round = asked[i]
            if (bid === null || round === undefined) return
            if (fates[i] === 0) await rig.requester.award(round, bid as Bid)
            if (fates[i] === 1) await rig.requester.release(bid)
          }),
        )
        await rig.clock.advance(6_000)
        assert.ok(rig.engine.peak.cpuMillis <= CORES.cpuMillis && rig.engine.peak.memoryBytes <= CORES.memoryBytes)
        const leases = rig.agent.status().leases.reduce((sum, lease) => sum + lease.resources.cpuMillis, 0)
        assert.equal(rig.agent.status().total.cpuMillis - rig.agent.status().free.cpuMillis, leases)
        await rig.stop()
      }),
      { numRuns: 25 },
    )
  })
})
