/**
 * Providers that cheat a requester, written straight on libp2p. Each is refused and counted, and the honest job still
 * runs at the honest seller.
 */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, it, type TestContext } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import type { JobRecord } from '../../node/store/index.ts'
import { leaseOf } from '../../node/store/records.ts'
import { BidMessageSchema } from '../../protocol/gen/cortex/v1/market_pb.js'
import { MAX_BID_BYTES, MAX_PRICE_NANO_USD } from '../../protocol/limits.ts'
import { until } from '../support/until.ts'
import { openMarket, type Seller, type TestMarket } from './support/market.ts'
import { announce, bidFor, bidMessage, deliverBid, type HeardRequest, requestOf } from './support/plain-market.ts'
import { bytesOf, joinPlainly, type PlainPeer, signAs } from './support/plain-peer.ts'

describe('a requester among hostile providers', () => {
  let market: TestMarket
  let honest: Seller

  before(async () => {
    market = await openMarket()
    honest = await market.addSeller({ name: 'honest', price: '0.05' })
  })
  after(() => market?.close())

  /** A hostile peer, and what it does with each request. @param isExpected whether rounds wait for its bid */
  async function mallory(
    test: TestContext,
    onRequest: (peer: PlainPeer, request: HeardRequest) => Promise<void>,
    isExpected = true,
  ): Promise<PlainPeer> {
    const peer = await joinPlainly(market)
    test.after(peer.stop)
    peer.onGossip((heard) => {
      if (heard.topic !== 'requests' || heard.author !== market.node.network.peerId) return
      onRequest(peer, requestOf(heard)).catch((error) => assert.fail(error))
    })
    if (isExpected) await announce(peer, market.network)
    await until(() => (market.node.directory.get(peer.id)?.status === 'online') === isExpected)
    return peer
  }

  /** Jobs, until the round of one has heard the hostile bid: strangers are waited for only so often, and then it may be late. */
  async function runUntil(isHeard: (job: JobRecord) => Promise<boolean>, changes: object = {}): Promise<JobRecord> {
    for (let tries = 0; ; tries += 1) {
      const job = await market.run('true', changes)
      assertHonest(job)
      if (await isHeard(job)) return job
      assert.ok(tries < 50, 'no round has heard it')
    }
  }

  function count(reason: string): number {
    return market.node.network.counters().refused[reason] ?? 0
  }

  async function outcomes(job: JobRecord): Promise<Record<string, string>> {
    return Object.fromEntries((await market.node.store.bids(job.id)).map(({ name, outcome }) => [name, outcome]))
  }

  function assertHonest(job: JobRecord): void {
    assert.deepEqual([job.state.status, leaseOf(job)?.provider], ['completed', honest.id])
  }

  const lies: [string, string, (peer: PlainPeer, request: HeardRequest) => Promise<Uint8Array>][] = [
    [
      'a signature that is none',
      'penalty:bid: BAD_SIGNATURE',
      async (peer, request) => {
        const statement = await peer.sign('bid', bidFor(peer, market.network, request))
        const value = { ...statement, signature: randomBytes(64) }
        return bytesOf(BidMessageSchema, { content: { case: 'bid', value } })
      },
    ],
    [
      'a bid changed after it was signed',
      'penalty:bid: BAD_SIGNATURE',
      async (peer, request) => {
        const statement = await peer.sign('bid', bidFor(peer, market.network, request, { pricePerHour: 2n }))
        const value = { ...statement, payload: bidFor(peer, market.network, request) }
        return bytesOf(BidMessageSchema, { content: { case: 'bid', value } })
      },
    ],
    [
      'a statement of another kind',
      'penalty:bid: BAD_SIGNATURE',
      async (peer, request) => {
        const value = await peer.sign('award', bidFor(peer, market.network, request))
        return bytesOf(BidMessageSchema, { content: { case: 'bid', value } })
      },
    ],
    [
      'the name of the honest provider',
      'penalty:bid: WRONG_SIGNER',
      async (peer, request) => bidMessage(peer, bidFor(peer, market.network, request, { provider: honest.id })),
    ],
    [
      'a bid that another peer signed',
      'penalty:bid: WRONG_SIGNER',
      async (peer, request) => {
        const key = await generateKeyPair('Ed25519')
        const provider = peerIdFromPrivateKey(key).toString()
        const value = await signAs(key, 'bid', bidFor(peer, market.network, request, { provider }))
        return bytesOf(BidMessageSchema, { content: { case: 'bid', value } })
      },
    ],
    [
      'a bid for another’s request',
      'penalty:bid: INVALID_FIELD',
      async (peer, request) => bidMessage(peer, bidFor(peer, market.network, request, { requester: honest.id })),
    ],
    [
      'other requirements than were asked for',
      'penalty:bid: INVALID_FIELD',
      async (peer, request) =>
        bidMessage(peer, bidFor(peer, market.network, request, { requirementsDigest: randomBytes(32) })),
    ],
    [
      'a price beyond all bounds',
      'penalty:bid: INVALID_FIELD',
      async (peer, request) =>
        bidMessage(peer, bidFor(peer, market.network, request, { pricePerHour: MAX_PRICE_NANO_USD + 1n })),
    ],
    [
      'a bid on another market',
      'penalty:bid: WRONG_NETWORK',
      async (peer, request) => bidMessage(peer, bidFor(peer, 'elsewhere', request)),
    ],
    ['bytes that are no message', 'penalty:bid: MALFORMED', async () => Buffer.from('not a message at all')],
    ['nothing', 'penalty:bid: MALFORMED', async () => new Uint8Array()],
    ['more bytes than a bid may have', 'penalty:message: TOO_LARGE', async () => randomBytes(MAX_BID_BYTES + 1)],
  ]
  it('is sent the same bid twice: one counts', async (test) => {
    const before = count('penalty:bid: REPLAYED')
    const taken: boolean[] = []
    await mallory(test, async (self, request) => {
      const dear = bidFor(self, market.network, request, { pricePerHour: MAX_PRICE_NANO_USD })
      const message = await bidMessage(self, dear)
      taken.push(await deliverBid(self, request.requester, message))
      taken.push(await deliverBid(self, request.requester, message))
    })
    // A third that never answers keeps the window open for the second one: strangers may do that twice, so this comes first.
    await mallory(test, async () => undefined)
    const job = await market.run('true')
    await until(() => taken.length === 2)
    assert.deepEqual(taken, [true, false])
    assert.equal(count('penalty:bid: REPLAYED'), before + 1)
    assertHonest(job)
    assert.deepEqual(await outcomes(job), { honest: 'accepted', mallory: 'released' })
  })

  for (const [what, reason, lie] of lies) {
    it(`is sent ${what}`, async (test) => {
      const before = count(reason)
      let taken: boolean | null = null
      const send = async (self: PlainPeer, request: HeardRequest): Promise<void> => {
        taken = await deliverBid(self, market.node.network.peerId, await lie(self, request))
      }
      // Of the requirements only an open round knows; the rest is seen at once, which needs no waiting.
      const needsRound = what.startsWith('other requirements')
      const peer = await mallory(test, send, needsRound)
      const job = await runUntil(async () => {
        await until(() => taken !== null)
        return !needsRound || count(reason) > before
      })
      assert.equal(taken, false)
      await until(() => count(reason) === before + 1)
      assert.deepEqual(await outcomes(job), { honest: 'accepted' })
      // Once is no reason to shut somebody out.
      assert.ok(peer.isConnected(market.node.network.peerId))
    })
  }

  it('is bid more than the cap: that is no bid to take', async (test) => {
    await mallory(test, async (self, request) => {
      const dear = bidFor(self, market.network, request, { pricePerHour: 20_000_000n })
      await deliverBid(self, request.requester, await bidMessage(self, dear))
    })
    const bidsOf = async ({ id }: JobRecord) =>
      (await market.node.store.bids(id)).filter(({ name }) => name === 'mallory')
    const job = await runUntil(async (each) => (await bidsOf(each)).length > 0, { maxPrice: '0.01' })
    const [bid] = await bidsOf(job)
    assert.deepEqual([bid?.outcome, bid?.reason], ['released', 'above maxPrice'])
  })

  it('refuses one that goes on and on', async (test) => {
    const { peerId } = market.node.network
    const peer = await joinPlainly(market)
    test.after(peer.stop)
    for (let times = 0; times < 5; times += 1)
      assert.equal(await deliverBid(peer, peerId, Buffer.from('nonsense')), false)
    await until(() => !peer.isConnected(peerId))
    await assert.rejects(peer.open(peerId, '/cortex/bid/1.0.0'))
    assert.ok(count('peer_refused') >= 1)
    assertHonest(await market.run('true'))
  })
})
