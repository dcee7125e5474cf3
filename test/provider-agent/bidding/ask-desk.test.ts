/** What a provider takes of questions over streams, whoever asks and however often. */

import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { silentLogger } from '../../../node/logger.ts'
import { MAX_GOSSIP_BYTES } from '../../../protocol/limits.ts'
import type { CheckedRequest } from '../../../protocol/market-messages.ts'
import { Protocol } from '../../../protocol/topics.ts'
import { createAskDesk } from '../../../provider-agent/bidding/ask-desk.ts'
import { createReplayMemory } from '../../../provider-agent/bidding/replay-memory.ts'
import { createMemoryHub, type MemoryPeer } from '../../support/memory-network.ts'
import { requestBytes } from '../../support/requests.ts'
import { createSimClock } from '../../support/sim-clock.ts'
import { until } from '../../support/until.ts'

const ANSWER = Uint8Array.of(7)

describe('the desk for questions', () => {
  let clock: ReturnType<typeof createSimClock>
  let seller: MemoryPeer
  let askers: MemoryPeer[]
  let answered: [request: CheckedRequest, requester: string][]
  let released: string[]
  let withdrawn: string[]
  /** Askers that have bought nothing here. */
  const strangers = new Set<string>()
  let bid: { bidId: string; validForMs: number } | null
  const stopping = new AbortController()
  let stamp = 0

  beforeEach(async () => {
    clock = createSimClock()
    const hub = createMemoryHub({ clock })
    seller = await hub.join(100)
    askers = await Promise.all(Array.from({ length: 8 }, async (_, i) => await hub.join(i)))
    answered = []
    released = []
    withdrawn = []
    bid = null
    createAskDesk(
      {
        ...{ network: seller.network, clock, logger: silentLogger, replays: createReplayMemory({ clock }) },
        letGo: (bidId, requester) => released.push(`${bidId} ${requester}`),
        async answer(request, requester) {
          answered.push([request, requester])
          return { message: ANSWER, bid }
        },
        withdraw: (bidId) => withdrawn.push(bidId),
        credit: { hasAwarded: (requester) => !strangers.has(requester) },
      },
      { marketName: 'test', signal: stopping.signal },
    )
  })
  afterEach(() => {
    for (const peer of [seller, ...askers]) peer.leave()
    strangers.clear()
  })

  const open = async (asker: MemoryPeer) =>
    await asker.network.open(seller.network.peerId, Protocol.ask, { maxMessageBytes: MAX_GOSSIP_BYTES })

  /** A request that was never asked before. */
  const question = (): Uint8Array => {
    const requestId = new Uint8Array(16)
    stamp += 1
    new DataView(requestId.buffer).setUint32(0, stamp)
    return requestBytes(0, { requestId, createdAtMs: BigInt(clock.nowMs()) })
  }

  /** Whether a question was answered, or its stream cut. */
  const ask = async (asker: MemoryPeer | undefined): Promise<boolean> => {
    assert.ok(asker)
    const channel = await open(asker)
    try {
      await channel.send(question())
      return (await channel.receive()) !== null
    } catch {
      return false
    } finally {
      await channel.close()
    }
  }

  const askOften = async (asker: MemoryPeer | undefined, times: number): Promise<number> => {
    let count = 0
    for (let i = 0; i < times; i += 1) if (await ask(asker)) count += 1
    return count
  }

  it('takes a thousand of one requester in ten seconds, and those of others beside', async () => {
    const [greedy, other] = askers
    assert.equal(await askOften(greedy, 1_020), 1_000)
    assert.equal(await ask(other), true)
    assert.equal(answered.length, 1_001)
  })

  it('takes a quarter as many of one who has never awarded anything', async () => {
    const [stranger] = askers
    strangers.add(stranger?.network.peerId ?? '')
    assert.equal(await askOften(stranger, 270), 250)
  })

  it('takes five thousand of all together, however many names ask', async () => {
    const counts: number[] = []
    for (const asker of askers.slice(0, 7)) counts.push(await askOften(asker, 900))
    // The last of them came to what is kept for those that have hardly asked.
    assert.deepEqual(counts, [900, 900, 900, 900, 900, 500, 101])
    assert.equal(answered.length, 5_101, 'what is beyond is cut before it is read')
    assert.equal(await ask(askers[7]), true, 'an honest newcomer is answered all the same')
  })

  it('lets go of a bid at the clean end of its stream, in the name of who asked', async () => {
    bid = { bidId: 'b1', validForMs: 5_000 }
    const [asker] = askers
    assert.equal(await ask(asker), true)
    await until(() => released.length === 1)
    assert.deepEqual(released, [`b1 ${asker?.network.peerId}`])
  })

  it('cuts off who opens a stream and says nothing, after five seconds', async () => {
    const [asker] = askers
    assert.ok(asker)
    const channel = await open(asker)
    const cut = assert.rejects(channel.receive())
    await clock.advance(5_001)
    await cut
    assert.equal(answered.length, 0)
  })

  it('takes no more than 512 streams of one peer that wait for their decision', async () => {
    bid = { bidId: 'b', validForMs: 600_000 }
    const [greedy, other] = askers
    assert.ok(greedy && other)
    for (let i = 0; i < 512; i += 1) await (await open(greedy)).send(question())
    await until(() => answered.length === 512)
    await assert.rejects(open(greedy))
    assert.equal(await ask(other), true)
  })
})
