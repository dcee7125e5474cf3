/** A market under load: a real seller that wants work for an answer, a requester that does it, and one that does not. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fromBinary } from '@bufbuild/protobuf'
import { leaseOf } from '../../node/store/records.ts'
import {
  BidMessageSchema,
  type Decline,
  JobRequestSchema,
  RequirementsSchema,
} from '../../protocol/gen/cortex/v1/market_pb.js'
import { makeStamp, stampBits } from '../../protocol/stamp.ts'
import { closeAll } from '../support/close-all.ts'
import { openMarket, type Seller, type TestMarket } from './support/market.ts'
import { bytesOf, joinPlainly, type PlainPeer, readAs, WIRE } from './support/plain-peer.ts'

/** Some 16,000 hashes: 20 ms. */
const BITS = 14

/** All but one flood. */
const ASKERS = 6

/** So few that a machine with much else to do asks more. */
const CALM_PER_SECOND = 2

/** More than anybody has, so the answer is always no. */
const HUGE = { cpuMillis: 1_000_000, memoryBytes: 1n << 30n, storageBytes: 1n << 30n, gpu: 0 }

/** Bounded by the test alone: a machine with much else to do takes minutes for what takes another seconds. */
async function forAsLongAsItTakes(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(20)
}

describe('a busy market', () => {
  let market: TestMarket
  let seller: Seller
  let askers: PlainPeer[]

  before(async () => {
    market = await openMarket()
    seller = await market.addSeller({ agent: { stampBits: BITS, calmPerSecond: CALM_PER_SECOND } })
    const where = { network: market.network, bootstrap: seller.network.addresses() }
    askers = await Promise.all(Array.from({ length: ASKERS }, async () => await joinPlainly(where)))
  })
  after(async () => {
    await closeAll(
      async () => await Promise.all((askers ?? []).map(async (peer) => await peer.stop())),
      async () => await market?.close(),
    )
  })

  /** Asks for what nobody has, with a stamp of so many bits. */
  async function ask(peer: PlainPeer, bits: number): Promise<Decline> {
    const requestId = randomBytes(16)
    const work = { network: market.network, requester: peer.id, requestId }
    const wire = await peer.open(seller.id, WIRE.ask)
    const requirements = bytesOf(RequirementsSchema, { resources: HUGE, image: market.image, durationSeconds: 60 })
    await wire.write(
      bytesOf(JobRequestSchema, {
        ...{ network: market.network, requestId, requirements, createdAtMs: BigInt(Date.now()) },
        ...{ bidWindowMs: 1_000, samplePerMillion: 1_000_000, addresses: peer.addresses },
        stamp: bits === 0 ? new Uint8Array() : await makeStamp(work, bits, async () => {}),
      }),
    )
    const { content } = await readAs(BidMessageSchema, wire)
    wire.unwrap().abort(new Error('It was read'))
    assert.ok(content.case === 'decline')
    return content.value
  }

  it('entry 50: answers who does the work, refuses who does not, and is open to all once it is calm', async () => {
    const [first] = askers
    assert.ok(first)
    assert.equal((await ask(first, 0)).code, 'OVER_TOTAL_CAPACITY', 'it begins calm')
    let isFlooded = true
    const refusals = new Map(askers.map(({ id }) => [id, 0]))
    const flood = askers.slice(1).map(async (peer) => {
      while (isFlooded) {
        const decline = await ask(peer, 0).catch(() => null)
        if (decline?.code !== 'STAMP_REQUIRED') continue
        assert.equal(decline.stampBits, BITS)
        refusals.set(peer.id, (refusals.get(peer.id) ?? 0) + 1)
      }
    })
    try {
      await forAsLongAsItTakes(() => [...refusals.values()].filter((count) => count > 0).length >= 2)

      assert.equal((await ask(first, BITS)).code, 'OVER_TOTAL_CAPACITY', 'work is answered like any request when calm')
      const { peerId } = market.node.network
      const stamped = (): boolean =>
        first.heard.some(({ topic, author, data }) => {
          if (topic !== 'requests' || author !== peerId) return false
          const { requestId, stamp } = fromBinary(JobRequestSchema, data)
          return stampBits({ network: market.network, requester: peerId, requestId }, stamp) >= BITS
        })
      // Once in a while a request comes just when the seller may answer one more without work.
      await forAsLongAsItTakes(async () => {
        const job = await market.run('true')
        assert.deepEqual([job.state.status, leaseOf(job)?.provider], ['completed', seller.id])
        return stamped()
      })
    } finally {
      isFlooded = false
      await Promise.all(flood)
    }
    await forAsLongAsItTakes(async () => {
      await delay(1_000)
      return (await ask(first, 0)).code === 'OVER_TOTAL_CAPACITY'
    })
  })
})
