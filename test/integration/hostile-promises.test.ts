/**
 * Providers that bid next to nothing and do not keep it, written straight on libp2p. Whatever they do instead, the job
 * runs at the honest seller, and the next one goes there at once.
 */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fromBinary, type MessageInitShape } from '@bufbuild/protobuf'
import type { JobRecord } from '../../node/store/index.ts'
import { leaseOf } from '../../node/store/records.ts'
import {
  type Award,
  AwardMessageSchema,
  AwardReplySchema,
  AwardSchema,
  LeaseCommandSchema,
  LeaseHelloSchema,
  LeaseMessageSchema,
  ReceiptSchema,
} from '../../protocol/gen/cortex/v1/market_pb.js'
import { MAX_LEASE_MESSAGE_BYTES } from '../../protocol/limits.ts'
import { costOf, usdNumber } from '../../protocol/money.ts'
import { until } from '../support/until.ts'
import { openApi } from './support/api.ts'
import { openMarket, type Seller, type TestMarket } from './support/market.ts'
import { announce, bidFor, bidMessage, deliverBid, requestOf } from './support/plain-market.ts'
import { bytesOf, joinPlainly, type PlainPeer, readAs, WIRE, type Wire } from './support/plain-peer.ts'

/** Short, so that a silent provider is soon given up; longer than the engine of a busy machine takes to start a container. */
const TIMES = { heartbeatMs: 200, lostAfterMs: 10_000, startWithinMs: 30_000, endWithinMs: 500 }

type LeaseContent = NonNullable<MessageInitShape<typeof LeaseMessageSchema>['content']>
type ReportContent = Extract<LeaseContent, { case: 'report' }>['value']['content']

interface Promises {
  /** What it answers to an award; undefined never answers. */
  reply?: MessageInitShape<typeof AwardReplySchema>
  /** What it does on a lease stream once the requester has attached. */
  lease?: (line: LeaseLine, award: Award) => Promise<void>
}

/** The provider's end of a lease stream. */
interface LeaseLine {
  say(content: LeaseContent): Promise<void>
  report(sequence: number, content: NonNullable<ReportContent>): Promise<void>
  sendBytes(bytes: Uint8Array): Promise<void>
  /** Says nothing but that it is there, for ever. */
  beat(meteredMs?: bigint): Promise<never>
}

async function openScene(test: TestContext, ...hostile: Promises[]): Promise<Scene> {
  const market = await openMarket({ times: TIMES })
  test.after(market.close)
  const honest = await market.addSeller({ name: 'honest', price: '0.05', agent: { heartbeatMs: TIMES.heartbeatMs } })
  const peers: PlainPeer[] = []
  for (const promises of hostile) peers.push(await join(test, market, promises))
  return { market, honest, peers }
}

interface Scene {
  market: TestMarket
  honest: Seller
  peers: PlainPeer[]
}

async function join(test: TestContext, market: TestMarket, promises: Promises): Promise<PlainPeer> {
  const peer = await joinPlainly(market)
  test.after(peer.stop)
  const awards = new Map<string, Award>()
  await peer.answer(WIRE.award, async (wire) => {
    const { content } = await readAs(AwardMessageSchema, wire)
    if (content.case !== 'award' || promises.reply === undefined) return
    const award = fromBinary(AwardSchema, content.value.payload)
    awards.set(award.jobId, award)
    await wire.write(bytesOf(AwardReplySchema, promises.reply))
  })
  const { lease } = promises
  if (lease !== undefined) {
    await peer.answer(WIRE.lease, async (wire) => {
      const { jobId } = await readAs(LeaseHelloSchema, wire)
      const { content } = await readAs(LeaseCommandSchema, wire)
      assert.equal(content.case, 'attach')
      await lease(lineOf(wire), awards.get(jobId) as Award)
    })
  }
  peer.onGossip((heard) => {
    if (heard.topic !== 'requests') return
    const request = requestOf(heard)
    // Not delivered: the market is closing.
    const bid = bidFor(peer, market.network, request)
    void bidMessage(peer, bid).then(
      async (message) => await deliverBid(peer, request.requester, message).catch(() => false),
    )
  })
  await announce(peer, market.network)
  await until(() => market.node.directory.get(peer.id)?.status === 'online')
  return peer
}

function lineOf(wire: Wire): LeaseLine {
  const line: LeaseLine = {
    say: async (content) => await wire.write(bytesOf(LeaseMessageSchema, { content })),
    report: async (sequence, content) =>
      await line.say({
        case: 'report',
        value: { sequence: BigInt(sequence), timestampMs: BigInt(Date.now()), content },
      }),
    sendBytes: async (bytes) => await wire.write(bytes),
    async beat(meteredMs = 0n) {
      for (;;) {
        await line.say({ case: 'heartbeat', value: { meteredMs } })
        await delay(TIMES.heartbeatMs)
      }
    },
  }
  return line
}

async function outcomes({ market }: Scene, job: JobRecord): Promise<string[]> {
  const bids = await market.node.store.bids(job.id)
  return bids.map(({ name, outcome }) => `${name} ${outcome}`).toSorted()
}

/** Completed at the honest seller, in this attempt. */
function assertHonest({ honest }: Scene, job: JobRecord, attempt = 1): void {
  assert.deepEqual([job.state.status, leaseOf(job)?.provider, job.attempt], ['completed', honest.id, attempt])
}

/** The liars still bid the least, and are neither believed nor waited for any more. */
async function assertLearnt(scene: Scene): Promise<void> {
  const job = await scene.market.run('true')
  assertHonest(scene, job)
  const [honest, ...liars] = await outcomes(scene, job)
  assert.equal(honest, 'honest accepted')
  assert.ok(liars.every((liar) => liar === 'mallory released'))
}

const accepted = { accepted: true }

// Each has a market of its own, and mostly waits.
describe('a bid that is never honoured', { concurrency: 3 }, () => {
  it('two that never answer an award cost the job some seconds, and not each other’s time for ever', async (test) => {
    const scene = await openScene(test, {}, {})
    const job = await scene.market.run('true')
    assertHonest(scene, job)
    await assertLearnt(scene)
  })

  it('one that refuses each award, with words made to be shown', async (test) => {
    const scene = await openScene(test, {
      reply: { accepted: false, code: 'DRAINING', message: 'no\u001b[2J\nhonest accepted' },
    })
    const job = await scene.market.run('true')
    assertHonest(scene, job)
    assert.deepEqual(await outcomes(scene, job), ['honest accepted', 'mallory refused'])
    const [bid] = (await scene.market.node.store.bids(job.id)).filter(({ name }) => name === 'mallory')
    assert.doesNotMatch(bid?.reason ?? '', /\p{Cc}/u)
    await assertLearnt(scene)
  })

  it('one that answers an award with bytes that are no answer', async (test) => {
    const scene = await openScene(test, { reply: { accepted: false, code: 'x'.repeat(5_000) } })
    const job = await scene.market.run('true')
    assertHonest(scene, job)
    assert.deepEqual(await outcomes(scene, job), ['honest accepted', 'mallory silent'])
  })

  const silences: [string, Promises][] = [
    ['accepts, and is never heard of again', { reply: accepted }],
    [
      'accepts, takes the lease stream, and says nothing',
      { reply: accepted, lease: () => new Promise(() => undefined) },
    ],
    ['accepts, and knows of no lease', { reply: accepted, lease: (line) => line.say({ case: 'unknown', value: {} }) }],
    ['accepts, and ends each lease stream', { reply: accepted, lease: async () => assert.fail('ends the stream') }],
    [
      'starts, and is never heard of again',
      { reply: accepted, lease: async (line) => await line.report(1, { case: 'started', value: { startedAtMs: 1n } }) },
    ],
  ]
  for (const [what, promises] of silences) {
    it(`one that ${what}: another attempt runs elsewhere`, async (test) => {
      const scene = await openScene(test, promises)
      const job = await scene.market.run('true')
      assertHonest(scene, job, 2)
      const events = await scene.market.node.store.events(job.id)
      const lost = events.filter(({ type }) => type === 'lost')
      assert.deepEqual(
        lost.map(({ data }) => [data.provider, data.code]),
        [[scene.peers[0]?.id, 'NETWORK_ERROR']],
      )
      await assertLearnt(scene)
    })
  }

  const nonsense: [string, string, (line: LeaseLine) => Promise<unknown>][] = [
    ['bytes that are no message', 'lease: MALFORMED', (line) => line.sendBytes(Buffer.from('nonsense'))],
    [
      'more bytes than a message may have',
      'message: TOO_LARGE',
      (line) => line.sendBytes(new Uint8Array(MAX_LEASE_MESSAGE_BYTES + 1)),
    ],
    [
      'a report out of order',
      'lease: INVALID_FIELD',
      (line) => line.report(7, { case: 'started', value: { startedAtMs: 1n } }),
    ],
    [
      'output that begins at no line',
      'lease: INVALID_FIELD',
      (line) => line.report(1, { case: 'logs', value: { firstLine: 0n } }),
    ],
    [
      'an end without a beginning',
      'lease: INVALID_FIELD',
      (line) => line.report(1, { case: 'ended', value: { outcome: 'exited', exitCode: 0 } }),
    ],
  ]
  for (const [what, reason, say] of nonsense) {
    it(`one that accepts, and sends ${what}: it is counted, refused, and the job runs elsewhere`, async (test) => {
      const scene = await openScene(test, {
        reply: accepted,
        lease: async (line) => {
          await say(line)
          await line.beat()
        },
      })
      const job = await scene.market.run('true')
      assertHonest(scene, job, 2)
      const { refused } = scene.market.node.network.counters()
      assert.ok((refused[`penalty:${reason}`] ?? 0) >= 1, JSON.stringify(refused))
    })
  }

  const delays: [what: string, reason: string, duration: number, (line: LeaseLine) => Promise<unknown>][] = [
    ['is there for ever, and never starts', 'NETWORK_ERROR', 60, async () => undefined],
    [
      'starts, and runs beyond all time, for a fortune',
      'DURATION_EXCEEDED',
      1,
      (line) => line.report(1, { case: 'started', value: { startedAtMs: 1n } }),
    ],
  ]
  for (const [what, code, duration, begin] of delays) {
    it(`one that ${what}: another attempt runs elsewhere`, async (test) => {
      const scene = await openScene(test, {
        reply: accepted,
        lease: async (line) => {
          await begin(line)
          await line.beat(1_000_000_000n)
        },
      })
      const job = await scene.market.run('true', { duration })
      assertHonest(scene, job, 2)
      const [lost] = (await scene.market.node.store.events(job.id)).filter(({ type }) => type === 'lost')
      assert.equal(lost?.data.code, code)
      const [past] = job.pastLeases
      assert.ok((past?.meteredMs ?? Number.NaN) < 20_000, `${past?.meteredMs} ms are to be paid`)
      await assertLearnt(scene)
    })
  }

  it('one that hears of no cancellation: the job is cancelled all the same', async (test) => {
    const scene = await openScene(test, {
      reply: accepted,
      lease: async (line) => {
        await line.report(1, { case: 'started', value: { startedAtMs: BigInt(Date.now()) } })
        await line.beat()
      },
    })
    const { market } = scene
    const { id } = await market.submit(market.job('true'))
    await market.when(id, ({ state }) => state.status === 'running')
    await market.node.requester.cancel(id)
    assert.equal((await market.ended(id)).state.status, 'cancelled')
    await assertLearnt(scene)
  })

  it('one that is silent while nobody else may begin: a cancellation waits for nobody', async (test) => {
    const scene = await openScene(test, {})
    const { market } = scene
    const { id } = await market.submit(market.job('true', { onDisconnect: 'stop', leaseTimeout: 3_600 }))
    await market.when(id, ({ state }) => state.status === 'pending' && state.waitOutMs > 0)
    await market.node.requester.cancel(id)
    const { state } = await market.ended(id)
    assert.deepEqual([state.status, 'lease' in state && state.lease], ['cancelled', null])
  })

  it('one that did nothing and asks for a fortune: its receipt is not signed, its price is what was agreed', async (test) => {
    const hour = 3_600n
    const scene = await openScene(test, {
      reply: accepted,
      lease: async (line, award) => {
        const [peer] = scene.peers
        if (peer === undefined) return
        const { network, jobId, fence, requester, provider, requirementsDigest } = award
        const fields = {
          network,
          jobId,
          fence,
          requester,
          provider,
          requirementsDigest,
          outcome: 'exited',
          exitCode: 0,
        }
        const pricePerHour = 1_000_000_000n
        const payload = bytesOf(ReceiptSchema, {
          ...fields,
          ...{ pricePerHour, meteredSeconds: 100n * hour, costNanoUsd: costOf(pricePerHour, 360_000) },
          ...{ startedAtMs: 1n, endedAtMs: BigInt(Date.now()) },
        })
        const receipt = await peer.sign('receipt', payload)
        await line.report(1, { case: 'started', value: { startedAtMs: BigInt(Date.now()) } })
        const endedAtMs = BigInt(Date.now())
        await line.report(2, { case: 'ended', value: { outcome: 'exited', exitCode: 0, endedAtMs, receipt } })
        await line.beat(100n * hour * 1_000n)
      },
    })
    const api = await openApi(scene.market)
    const job = await api.run(scene.market.job('true'))
    // Whether it ran nobody can see from here; what it may ask for, everybody.
    assert.deepEqual([job.status, job.assignedProvider], ['completed', scene.peers[0]?.id])
    assert.ok(job.cost.final <= usdNumber(1n))
    assert.deepEqual((await api.call('GET', `/jobs/${job.id}/receipt`)).code, 'RESOURCE_NOT_FOUND')
  })
})
