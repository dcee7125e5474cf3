/**
 * Peers that cheat a seller, written straight on libp2p. Each is refused and counted, takes nothing from anybody, and the
 * job of the honest requester beside it runs.
 */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, afterEach, before, describe, it, type TestContext } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { leaseOf } from '../../node/store/records.ts'
import {
  AwardMessageSchema,
  type AwardReply,
  AwardReplySchema,
  type Bid,
  LeaseCommandSchema,
  LeaseHelloSchema,
  type LeaseMessage,
  LeaseMessageSchema,
  LeaseMessage_UnknownSchema as UnknownSchema,
} from '../../protocol/gen/cortex/v1/market_pb.js'
import { MAX_AWARD_BYTES, MAX_BID_BYTES } from '../../protocol/limits.ts'
import { until } from '../support/until.ts'
import { openMarket, type Seller, type TestMarket } from './support/market.ts'
import { askPlainly, awardFor, awardMessage, type PlainJob, plainJob } from './support/plain-market.ts'
import { bytesOf, joinPlainly, type PlainPeer, readAs, WIRE } from './support/plain-peer.ts'

type Offered = Parameters<typeof awardFor>[2]

describe('a seller among hostile requesters', () => {
  let market: TestMarket
  let seller: Seller

  before(async () => {
    market = await openMarket()
    // Time for a hostile peer between a bid and its award.
    seller = await market.addSeller({ agent: { reservationMs: 6_000 } })
  })
  after(() => market?.close())

  /** Whatever was tried: the honest job runs, and what it took is free again. */
  afterEach(async () => {
    const job = await market.run('true')
    assert.deepEqual([job.state.status, leaseOf(job)?.provider, job.attempt], ['completed', seller.id, 1])
    await until(() => seller.agent.status().leases.length === 0)
    assert.deepEqual(await market.left(), [])
  })

  /** A peer that is connected with the seller alone. */
  async function join(test: TestContext): Promise<PlainPeer> {
    const peer = await joinPlainly({ network: market.network, bootstrap: seller.network.addresses() })
    test.after(peer.stop)
    return peer
  }

  function count(reason: string): number {
    return seller.network.counters().refused[reason] ?? 0
  }

  async function counted(reason: string, times: number, attack: () => Promise<unknown>): Promise<void> {
    const before = count(reason)
    await attack()
    await until(() => count(reason) === before + times)
  }

  async function sendAward(peer: PlainPeer, message: Uint8Array): Promise<AwardReply> {
    const wire = await peer.open(seller.id, WIRE.award)
    await wire.write(message)
    return await readAs(AwardReplySchema, wire)
  }

  async function award(peer: PlainPeer, plain: PlainJob, bid: Offered, spoil = {}): Promise<AwardReply> {
    return await sendAward(peer, awardMessage(await peer.sign('award', awardFor(peer, plain, bid, spoil))))
  }

  /** Follows a lease to its last report, and acknowledges that. */
  async function follow(peer: PlainPeer, jobId: string): Promise<LeaseMessage['content'][]> {
    const wire = await peer.open(seller.id, WIRE.lease)
    await wire.write(bytesOf(LeaseHelloSchema, { jobId, fence: 1 }))
    await wire.write(bytesOf(LeaseCommandSchema, { content: { case: 'attach', value: {} } }))
    const heard: LeaseMessage['content'][] = []
    for (;;) {
      const { content } = await readAs(LeaseMessageSchema, wire)
      heard.push(content)
      if (content.case === 'report' && content.value.content.case === 'ended') {
        const ack = { sequence: content.value.sequence }
        await wire.write(bytesOf(LeaseCommandSchema, { content: { case: 'ack', value: ack } }))
        await wire.unwrap().close()
        return heard
      }
      if (content.case === 'unknown') return heard
    }
  }

  async function release(peer: PlainPeer, { requestId, bidId }: Bid): Promise<void> {
    const wire = await peer.open(seller.id, WIRE.award)
    await wire.write(bytesOf(AwardMessageSchema, { content: { case: 'release', value: { requestId, bidId } } }))
    await wire.unwrap().close()
    await until(() => seller.agent.status().free.cpuMillis === 1_000)
  }

  function linesOf(heard: LeaseMessage['content'][]): string[] {
    return heard.flatMap((content) => {
      if (content.case !== 'report' || content.value.content.case !== 'logs') return []
      return content.value.content.value.lines.map(({ line }) => line)
    })
  }

  it('serves a requester of another make', async (test) => {
    const alice = await join(test)
    const plain = plainJob(market.image, 'echo served')
    const bid = await askPlainly(alice, market.network, plain)
    assert.deepEqual((await award(alice, plain, bid)).accepted, true)
    assert.deepEqual(linesOf(await follow(alice, plain.jobId)), ['served'])
  })

  /** How often the seller has refused an award with this code. */
  function refusals(code: string): number {
    return seller.agent.status().refusedAwards[code] ?? 0
  }

  it('is awarded what it never bid, by one that never asked', async (test) => {
    const trudy = await join(test)
    const plain = plainJob(market.image, 'echo stolen')
    const { network } = market
    const invented = {
      network,
      requestId: plain.requestId,
      bidId: randomBytes(16),
      provider: seller.id,
      pricePerHour: 1n,
    }
    const before = refusals('BID_UNKNOWN')
    const reply = await award(trudy, plain, invented)
    assert.deepEqual([reply.accepted, reply.code], [false, 'BID_UNKNOWN'])
    assert.equal(refusals('BID_UNKNOWN'), before + 1)
    assert.deepEqual(await follow(trudy, plain.jobId), [{ case: 'unknown', value: create(UnknownSchema) }])
  })

  it('is awarded another’s bid by one that learnt of it, and still serves whom it bid to', async (test) => {
    const [alice, trudy] = [await join(test), await join(test)]
    const plain = plainJob(market.image, 'echo mine')
    const bid = await askPlainly(alice, market.network, plain)
    await counted('penalty:award: NOT_THE_REQUESTER', 1, async () => {
      const stolen = { ...plain, job: { ...plain.job, args: ['echo stolen'] } }
      assert.equal((await award(trudy, stolen, bid)).code, 'NOT_THE_REQUESTER')
    })
    await counted('penalty:award: WRONG_SIGNER', 1, async () => {
      const inHerName = awardFor(trudy, plain, bid, { requester: alice.id })
      await assert.rejects(sendAward(trudy, awardMessage(await trudy.sign('award', inHerName))))
    })
    assert.equal((await award(alice, plain, bid)).accepted, true)
    assert.deepEqual(linesOf(await follow(alice, plain.jobId)), ['mine'])
  })

  it('is sent an award again by one that caught it: the job runs once, for whom it belongs to', async (test) => {
    const [alice, trudy] = [await join(test), await join(test)]
    const plain = plainJob(market.image, 'echo once')
    const bid = await askPlainly(alice, market.network, plain)
    const caught = awardMessage(await alice.sign('award', awardFor(alice, plain, bid)))
    await counted('penalty:award: NOT_THE_REQUESTER', 2, async () => {
      assert.equal((await sendAward(trudy, caught)).code, 'NOT_THE_REQUESTER')
      assert.equal((await sendAward(alice, caught)).accepted, true)
      assert.equal((await sendAward(trudy, caught)).code, 'NOT_THE_REQUESTER')
    })
    assert.equal((await sendAward(alice, caught)).accepted, true, 'its own repetition is answered alike')
    assert.equal(seller.agent.status().leases.length, 1)
    assert.deepEqual(linesOf(await follow(alice, plain.jobId)), ['once'])
    await until(() => seller.agent.status().leases.length === 0)
    assert.equal((await sendAward(alice, caught)).accepted, true, 'after the end, too')
    assert.equal(seller.agent.status().leases.length, 0)
  })

  it('is awarded its own bid on other terms', async (test) => {
    const trudy = await join(test)
    const plain = plainJob(market.image, 'true')
    const bid = await askPlainly(trudy, market.network, plain)
    const larger = { ...plain.job, resources: { ...plain.job.resources, memoryBytes: 1n << 30n } }
    for (const [code, spoil] of [
      ['PRICE_CHANGED', { pricePerHour: 0n }],
      ['REQUIREMENTS_CHANGED', { requirementsDigest: randomBytes(32) }],
      ['REQUIREMENTS_CHANGED', { job: larger }],
      ['REQUIREMENTS_CHANGED', { job: { ...plain.job, image: 'another' } }],
    ] as const) {
      await counted(`penalty:award: ${code}`, 1, async () =>
        assert.equal((await award(trudy, plain, bid, spoil)).code, code),
      )
    }
    assert.equal(seller.agent.status().leases.length, 0)
    await release(trudy, bid)
  })

  it('is asked for a lease by a stranger: it learns nothing, and stops nothing', async (test) => {
    const [alice, trudy] = [await join(test), await join(test)]
    const plain = plainJob(market.image, 'echo begins; sleep 1; echo ends')
    const bid = await askPlainly(alice, market.network, plain)
    assert.equal((await award(alice, plain, bid)).accepted, true)
    await until(() => seller.agent.status().leases.some(({ startedAtMs }) => startedAtMs !== null))
    await counted('penalty:asked for another’s lease', 1, async () => {
      const wire = await trudy.open(seller.id, WIRE.lease)
      await wire.write(bytesOf(LeaseHelloSchema, { jobId: plain.jobId, fence: 1 }))
      await wire.write(bytesOf(LeaseCommandSchema, { content: { case: 'attach', value: {} } }))
      await wire.write(bytesOf(LeaseCommandSchema, { content: { case: 'cancel', value: { commandId: 'c' } } }))
      await wire.write(bytesOf(LeaseCommandSchema, { content: { case: 'stale', value: {} } }))
      assert.equal((await readAs(LeaseMessageSchema, wire)).content.case, 'unknown')
      await assert.rejects(wire.read())
    })
    assert.deepEqual(linesOf(await follow(alice, plain.jobId)), ['begins', 'ends'])
  })

  const senseless: [protocol: string, what: string, reason: string, bytes: Uint8Array][] = [
    [WIRE.award, 'nonsense', 'penalty:award: MALFORMED', Buffer.from('nonsense')],
    [WIRE.award, 'an empty message', 'penalty:award: MALFORMED', new Uint8Array()],
    [WIRE.award, 'too much', 'penalty:message: TOO_LARGE', new Uint8Array(MAX_AWARD_BYTES + 1)],
    [WIRE.lease, 'nonsense', 'penalty:lease: MALFORMED', Buffer.from('nonsense')],
    [WIRE.lease, 'an empty message', 'penalty:lease: INVALID_FIELD', new Uint8Array()],
    [WIRE.lease, 'too much', 'penalty:message: TOO_LARGE', new Uint8Array(MAX_BID_BYTES + 1)],
  ]
  it('is sent what makes no sense, on every protocol: each is counted, and enough of it is enough', async (test) => {
    for (const [protocol, what, reason, bytes] of senseless) {
      await counted(reason, 1, async () => {
        const trudy = await join(test)
        const wire = await trudy.open(seller.id, protocol)
        await wire.write(bytes)
        const answered = await wire.read().then(Boolean, () => false)
        assert.equal(answered, false, `${what} on ${protocol}`)
        await trudy.stop()
      })
    }
    const trudy = await join(test)
    for (let times = 0; times < 5; times += 1) await assert.rejects(sendAward(trudy, Buffer.from('nonsense')))
    await until(() => !trudy.isConnected(seller.id))
    await assert.rejects(trudy.open(seller.id, WIRE.award))
  })

  it('is sent more bytes than anybody needs, in messages that break off: a job beside it runs', async (test) => {
    const trudy = await join(test)
    const beginning = Buffer.alloc(MAX_AWARD_BYTES - 1)
    const length = Buffer.of(0x80, 0x80, 0x40)
    const before = count('streams: BYTES')
    const flood = async (): Promise<void> => {
      while (count('streams: BYTES') === before) {
        const stream = (await trudy.open(seller.id, WIRE.award)).unwrap()
        stream.send(Buffer.concat([length, beginning]))
        // cut off while it still sends
        await stream.close().catch(() => undefined)
      }
    }
    const [job] = await Promise.all([market.run('true'), flood()])
    assert.deepEqual([job.state.status, job.attempt], ['completed', 1])
    assert.ok(count('penalty:streams: BYTES') >= 1)
    await trudy.stop()
  })

  it('is asked for all it has by one that never awards: others wait no longer than its bids hold', async (test) => {
    const trudy = await join(test)
    for (let bids = 0; bids < 10; bids += 1) {
      const bid = await askPlainly(trudy, market.network, plainJob(market.image, 'true'))
      assert.equal(bid.provider, seller.id)
    }
    assert.equal(seller.agent.status().free.cpuMillis, 0)
    await trudy.stop()
  })
})
