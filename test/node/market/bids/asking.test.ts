/** Rounds that ask providers one by one over streams, against providers that answer as each test says. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { MessageInitShape } from '@bufbuild/protobuf'
import type { ProviderView } from '../../../../node/directory/index.ts'
import { silentLogger } from '../../../../node/logger.ts'
import { createAttendance } from '../../../../node/market/bids/attendance.ts'
import type { createBidDesk } from '../../../../node/market/bids/bid-desk.ts'
import { createStamps } from '../../../../node/market/bids/stamps.ts'
import { BID_WINDOW_MS, type RoundResult, runRound } from '../../../../node/market/placement/round.ts'
import { createReputation } from '../../../../node/market/reputation/reputation.ts'
import { createTally } from '../../../../node/market/tally.ts'
import type { Channel } from '../../../../node/network/index.ts'
import { encode, requirementsDigest, toWireResources } from '../../../../protocol/codec.ts'
import { BidMessageSchema, BidSchema } from '../../../../protocol/gen/cortex/v1/market_pb.js'
import { jobSubmissionSchema } from '../../../../protocol/job-spec.ts'
import { encodedRequirements } from '../../../../protocol/job-wire.ts'
import { MAX_BID_BYTES } from '../../../../protocol/limits.ts'
import { type CheckedRequest, readRequest, readRequirements } from '../../../../protocol/market-messages.ts'
import { signStatement } from '../../../../protocol/statements.ts'
import { Protocol } from '../../../../protocol/topics.ts'
import { providerView } from '../../../gateway/support/test-node.ts'
import { createMemoryHub, type MemoryPeer } from '../../../support/memory-network.ts'
import { createSimClock } from '../../../support/sim-clock.ts'
import { memoryTrackRecords } from '../../../support/track-records.ts'
import { until } from '../../../support/until.ts'

const MARKET = 'test'
const requirementsBytes = encodedRequirements(jobSubmissionSchema.parse({ image: 'busybox', cpu: 500 }))
const requirements = readRequirements(requirementsBytes)

/** How a provider answers a question. */
type Manner = (question: { channel: Channel; request: CheckedRequest; seller: MemoryPeer }) => Promise<void>

type BidInit = Omit<MessageInitShape<typeof BidSchema>, '$typeName'>

describe('a round that asks one by one', () => {
  let clock: ReturnType<typeof createSimClock>
  let buyer: MemoryPeer
  let sellers: { peer: MemoryPeer; view: ProviderView }[]
  /** Peers that the buyer has a connection with. */
  let connected: string[]
  let asked: string[]
  /** Streams that the buyer ended cleanly after an answer. */
  let released: string[]
  let stopping: AbortController
  let hub: ReturnType<typeof createMemoryHub>
  let attendance: ReturnType<typeof createAttendance>
  let tally: ReturnType<typeof createTally>
  let reputation: ReturnType<typeof createReputation>

  beforeEach(async () => {
    clock = createSimClock()
    hub = createMemoryHub({ clock })
    buyer = await hub.join(200)
    stopping = new AbortController()
    attendance = createAttendance({ clock })
    tally = createTally()
    reputation = createReputation({ clock, store: memoryTrackRecords(), logger: silentLogger })
    sellers = []
    asked = []
    released = []
    connected = []
  })
  afterEach(() => stopping.abort(new Error('The test is over')))

  /** Adds providers, each a little dearer than the one before, and all connected. */
  async function sell(count: number, manner: Manner = bids()): Promise<string[]> {
    const added: string[] = []
    for (let i = 0; i < count; i += 1) {
      const peer = await hub.join(sellers.length)
      const provider = peer.network.peerId
      const { prices } = providerView()
      const cpuPerCoreHour = prices.cpuPerCoreHour + BigInt(sellers.length) * 1_000n
      sellers.push({ peer, view: providerView({ provider, addresses: [], prices: { ...prices, cpuPerCoreHour } }) })
      added.push(provider)
      peer.network.handle(Protocol.ask, async (channel) => {
        asked.push(provider)
        const bytes = await channel.receive()
        assert.ok(bytes)
        await manner({ channel, request: readRequest(bytes, MARKET, clock.nowMs()), seller: peer })
      })
    }
    connected.push(...added)
    return added
  }

  function bids(changes: BidInit = {}, signer?: MemoryPeer): Manner {
    return async ({ channel, request, seller }) => {
      const payload = encode(BidSchema, {
        ...{ network: MARKET, requestId: request.requestId, bidId: randomBytes(16) },
        requirementsDigest: requirementsDigest(request.requirementsBytes),
        ...{ provider: seller.network.peerId, requester: buyer.network.peerId, pricePerHour: 1_000n },
        ...{ validForMs: 5_000, free: toWireResources(request.requirements.resources), uptimeSeconds: 1n },
        ...changes,
      })
      const value = await signStatement('bid', payload, (signer ?? seller).privateKey)
      await channel.send(encode(BidMessageSchema, { content: { case: 'bid', value } }))
      const end = await channel.receive().catch(() => 'broken')
      if (end === null) released.push(seller.network.peerId)
      await channel.close()
    }
  }

  const declines: Manner = async ({ channel, request: { requestId } }) => {
    const value = { requestId, code: 'INSUFFICIENT_CAPACITY', message: 'has no room left' }
    await channel.send(encode(BidMessageSchema, { content: { case: 'decline', value } }))
    await channel.close()
  }
  const mute: Manner = async ({ channel }) => void (await channel.receive().catch(() => null))

  function components() {
    const list = () => sellers.map(({ view }) => view)
    const network = { ...buyer.network, peers: () => connected }
    const common = { network, networkName: MARKET, clock, logger: silentLogger }
    return {
      ...common,
      directory: {
        list,
        get: (id: string) => list().find(({ provider }) => provider === id),
        onChange: () => () => undefined,
      },
      desk,
      reputation,
      speeds: { believed: () => null },
      attendance,
      tally,
      starts: { believedMs: (_: string, saidMs: number) => saidMs, placed: () => undefined },
      stamps: createStamps({ clock }, { network: MARKET, requester: buyer.network.peerId }),
    }
  }
  const desk = { open: () => () => undefined } satisfies ReturnType<typeof createBidDesk>

  /** Runs a round; with how long its window was open, in ms. */
  async function round({ widen = 1 } = {}): Promise<RoundResult & { tookMs: number }> {
    const init = { requirements, requirementsBytes, strategy: 'cost' as const, windowMs: BID_WINDOW_MS }
    const startedMs = clock.monotonicMs()
    const running = runRound(components(), { ...init, widen, signal: stopping.signal })
    let over = false
    const ended = running.finally(() => {
      over = true
    })
    await hub.settled()
    while (!over) await clock.advance(10)
    return { ...(await ended), tookMs: clock.monotonicMs() - startedMs }
  }

  const published = (): number => buyer.network.counters().published
  const penalties = (): string[] => Object.keys(buyer.network.counters().refused)
  const providersOf = ({ offers }: RoundResult): string[] => offers.map(({ provider }) => provider).sort()

  it('broadcasts nothing, and ends when all have answered', async () => {
    const some = await sell(4)
    const others = await sell(2, declines)
    const result = await round()
    assert.deepEqual(providersOf(result), some.toSorted())
    assert.deepEqual(result.declines.map(({ provider }) => provider).sort(), others.toSorted())
    assert.ok(result.tookMs < BID_WINDOW_MS)
    assert.equal(published(), 0)
    const { asked: questions, bid, declined, broadcast } = tally.totals()
    assert.deepEqual([questions, bid, declined, broadcast], [6, 4, 2, 0])
  })

  it('broadcasts where the directory knows fewer than five that suit', async () => {
    await sell(4)
    await round()
    assert.deepEqual([asked.length, published()], [0, 1])
  })

  it('asks one that broke its word, and does not wait for its answer', async () => {
    const honest = await sell(5)
    const [liar = ''] = await sell(1, mute)
    reputation.record(liar, 'broken')
    const result = await round()
    assert.deepEqual([providersOf(result), asked.includes(liar)], [honest.toSorted(), true])
    assert.ok(result.tookMs < BID_WINDOW_MS)
  })

  it('asks no more than twelve, and four times as many when asked to widen; everybody beyond that', async () => {
    await sell(60)
    await round()
    assert.equal(new Set(asked).size, 12)
    asked = []
    await round({ widen: 4 })
    assert.equal(new Set(asked).size, 48)
    asked = []
    await round({ widen: 16 })
    assert.deepEqual([asked.length, published()], [0, 1])
  })

  it('waits for the connected alone, and makes the acquaintance of two others', async () => {
    const near = await sell(6)
    const far = await sell(6, mute)
    connected = near
    const result = await round()
    assert.deepEqual(providersOf(result), near.toSorted())
    assert.ok(result.tookMs < BID_WINDOW_MS)
    assert.equal(asked.filter((provider) => far.includes(provider)).length, 2)
    for (const provider of far) assert.ok(attendance.isAwaited(provider), 'nobody waited for it')
  })

  it('waits for all where few are connected', async () => {
    const all = await sell(6)
    connected = all.slice(0, 4)
    assert.deepEqual(providersOf(await round()), all.toSorted())
  })

  it('no longer invites one that did not answer twice', async () => {
    await sell(6)
    const [silent] = await sell(1, mute)
    for (let rounds = 0; rounds < 2; rounds += 1) {
      const { tookMs } = await round()
      assert.ok(tookMs > 200 && tookMs < BID_WINDOW_MS, `${tookMs} ms`)
      // it is given its time all the same before it counts as silent
      await clock.advance(2 * BID_WINDOW_MS)
      await hub.settled()
    }
    asked = []
    assert.ok((await round()).tookMs < 200)
    assert.ok(!asked.includes(silent ?? ''))
  })

  it('waits for the slower half three times as long as for the faster, and holds nothing against who answers later', async () => {
    const after = (ms: number): Manner => {
      return async (question) => {
        await clock.sleep(ms)
        await bids()(question)
      }
    }
    const quick = await sell(5, after(150))
    const slower = await sell(1, after(400))
    const [last = ''] = await sell(1, after(BID_WINDOW_MS - 50))
    for (let rounds = 0; rounds < 4; rounds += 1) {
      const result = await round()
      assert.deepEqual(providersOf(result), [...quick, ...slower].toSorted())
      assert.ok(result.tookMs >= 400 && result.tookMs <= 500, `${result.tookMs} ms`)
      await clock.advance(2 * BID_WINDOW_MS)
      await hub.settled()
      assert.ok(attendance.isAwaited(last))
    }
  })

  it('waits to the end for all while fewer than three have answered', async () => {
    await sell(2)
    const after: Manner = async (question) => {
      await clock.sleep(900)
      await bids()(question)
    }
    const late = await sell(3, after)
    const result = await round()
    for (const provider of late) assert.ok(providersOf(result).includes(provider))
  })

  it('holds nothing against providers while this peer is connected to nobody', async () => {
    const all = await sell(6, mute)
    connected = []
    for (let rounds = 0; rounds < 3; rounds += 1) await round()
    for (const provider of all) assert.ok(attendance.isAwaited(provider))
  })

  it('broadcasts where all of them break off', async () => {
    await sell(6, async ({ channel }) => channel.abort(new Error('No')))
    const result = await round()
    assert.deepEqual([result.offers.length, published()], [0, 1])
  })

  it('releases by the clean end of the stream what is not taken, and what comes too late', async () => {
    await sell(5)
    const [late] = await sell(1, async (question) => {
      await clock.sleep(BID_WINDOW_MS + 100)
      await bids()(question)
    })
    const { offers } = await round()
    assert.equal(offers.length, 5)
    for (const offer of offers) offer.letGo(false)
    await until(() => released.length === 5)
    await clock.advance(BID_WINDOW_MS)
    await until(() => released.includes(late ?? ''))
  })

  const lies: [name: string, manner: () => Manner][] = [
    ['a bid that somebody else signed', () => bids({}, buyer)],
    ['a bid in another’s name', () => bids({ provider: buyer.network.peerId }, buyer)],
    ['a bid on another request', () => bids({ requestId: randomBytes(16) })],
    ['a bid on other requirements', () => bids({ requirementsDigest: new Uint8Array(32) })],
    ['a bid for another requester', () => bids({ requester: sellers[0]?.peer.network.peerId ?? '' })],
    ['a bid of another network', () => bids({ network: 'other' })],
    [
      'no message at all',
      () =>
        async ({ channel }) =>
          await channel.send(Uint8Array.of(255, 255)),
    ],
    [
      'more than a bid',
      () =>
        async ({ channel }) =>
          await channel.send(new Uint8Array(MAX_BID_BYTES + 1)),
    ],
    [
      'a decline of another request',
      () =>
        async ({ channel }) => {
          const value = { requestId: randomBytes(16), code: 'NO', message: '' }
          await channel.send(encode(BidMessageSchema, { content: { case: 'decline', value } }))
        },
    ],
  ]
  for (const [name, manner] of lies) {
    it(`holds ${name} against its provider, and takes the others’ bids`, async () => {
      const honest = await sell(5)
      await sell(1, manner())
      const result = await round()
      assert.deepEqual(providersOf(result), honest.toSorted())
      assert.deepEqual(result.declines, [])
      assert.ok(
        penalties().some((reason) => /^penalty:(ask|message)/.test(reason)),
        penalties().join(),
      )
    })
  }
})
