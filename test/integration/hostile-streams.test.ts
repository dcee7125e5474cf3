/** Real peers that open streams, or send bytes, without end. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { systemClock } from '../../node/clock.ts'
import { startHostilePeer } from '../support/hostile-peer.ts'
import { isJoined, startPeer } from '../support/libp2p-peers.ts'
import { until } from '../support/until.ts'

const PROTOCOL = '/cortex/test/1.0.0'
const RATE = { own: 20, total: 1_000, spanMs: 3_600_000 }

describe('streams of one peer', () => {
  it('are cut beyond its rate, before anybody reads them, while another peer is answered', async (test) => {
    const victim = await startPeer(test, { streamRate: RATE })
    let handled = 0
    victim.handle(PROTOCOL, async (channel) => {
      handled += 1
      await channel.send(Uint8Array.of(1))
      await channel.close()
    })
    const addresses = victim.addresses()
    const [flooder, honest] = [await startPeer(test), await startPeer(test)]
    /** Whether a stream was answered. */
    const call = async (peer: typeof flooder): Promise<boolean> => {
      const channel = await peer.open(victim.peerId, PROTOCOL, { addresses, maxMessageBytes: 64 })
      const answer = await channel.receive().catch(() => null)
      channel.abort(new Error('It was read'))
      return answer !== null
    }
    let answered = 0
    for (let count = 0; count < 30; count += 1) {
      // A stream may be cut while it is still being opened.
      if (await call(flooder).catch(() => false)) answered += 1
    }
    assert.equal(answered, RATE.own)
    await until(() => victim.counters().refused.streams === 30 - RATE.own)
    assert.equal(handled, RATE.own)
    assert.equal(await call(honest), true)
  })
})

const KIB = 1024
const BYTES = { own: 64 * KIB, total: 1024 * KIB, spanMs: 3_600_000 }

/** The beginning of a message of a MiB that never ends. */
function unfinished(bytes: number): Uint8Array {
  return Buffer.concat([Buffer.of(0x80, 0x80, 0x40), Buffer.alloc(bytes)])
}

describe('bytes of one peer', () => {
  /** A peer whose clock a test moves, so that a budget is not given back meanwhile. */
  async function setTheScene(test: Parameters<typeof startPeer>[0], rates: 'streams' | 'neighbours') {
    let nowMs = 0
    const clock = { ...systemClock, monotonicMs: () => nowMs }
    const victim = await startPeer(test, { clock, byteRates: { [rates]: BYTES } })
    const count = (reason: string): number => victim.counters().refused[reason] ?? 0
    return { victim, count, nextSecond: () => (nowMs += 1_000), hostile: await startHostilePeer(test, victim) }
  }

  it('are cut beyond its budget, message or not, and it is refused when it goes on', async (test) => {
    const { victim, hostile, count, nextSecond } = await setTheScene(test, 'streams')
    let messages = 0
    victim.handle(
      PROTOCOL,
      async (channel) => {
        while ((await channel.receive()) !== null) messages += 1
        await channel.send(Uint8Array.of(1))
        await channel.close()
      },
      { maxMessageBytes: 1024 * KIB },
    )
    for (let second = 1; second <= 5; second += 1) {
      const stream = await hostile.openStream(PROTOCOL)
      stream.send(unfinished(128 * KIB))
      await until(() => stream.status !== 'open')
      await until(() => count('penalty:streams: BYTES') === second)
      nextSecond()
    }
    await until(() => !hostile.isConnected())
    assert.equal(messages, 0)
    assert.equal(count('peer_refused'), 1)

    const honest = await startPeer(test)
    const channel = await honest.open(victim.peerId, PROTOCOL, { addresses: victim.addresses(), maxMessageBytes: 64 })
    await channel.send(new Uint8Array(32 * KIB))
    await channel.close()
    assert.equal((await channel.receive())?.[0], 1)
    assert.equal(messages, 1)
  })

  it('of a job’s own data are not counted', async (test) => {
    const { victim, count } = await setTheScene(test, 'streams')
    victim.handle(
      PROTOCOL,
      async (channel) => {
        const message = await channel.receive()
        await channel.send(Uint8Array.of(message === null ? 0 : 1))
        await channel.close()
      },
      { maxMessageBytes: 1024 * KIB, bulk: true },
    )
    const honest = await startPeer(test)
    const channel = await honest.open(victim.peerId, PROTOCOL, { addresses: victim.addresses(), maxMessageBytes: 64 })
    await channel.send(new Uint8Array(512 * KIB))
    assert.equal((await channel.receive())?.[0], 1)
    assert.equal(count('streams: BYTES'), 0)
  })

  it('of gossip count whether they are messages or not', async (test) => {
    const { hostile, count, nextSecond } = await setTheScene(test, 'neighbours')
    // a frame that says nothing: one field that nobody knows
    const frame = Buffer.concat([Buffer.of(0x82, 0x7d, 0x80, 0x80, 0x01), Buffer.alloc(16 * KIB)])
    await until(() => {
      if (count('penalty:gossip: BYTES') === 5) return true
      hostile.sendFrame(frame)
      nextSecond()
      return false
    })
    await until(() => !hostile.isConnected())
    assert.equal(count('peer_refused'), 1)
  })

  it('of an author’s gossip are taken up to its budget, and another author is heard', async (test) => {
    const clock = { ...systemClock, monotonicMs: () => 0 }
    const victim = await startPeer(test, { clock, byteRates: { authors: BYTES } })
    const heard: string[] = []
    victim.subscribe('requests', { validate: () => 'accept', deliver: (_data, author) => heard.push(author) })
    const init = { bootstrap: victim.addresses() }
    const [loud, modest] = [await startPeer(test, init), await startPeer(test, init)]
    await until(() => isJoined(loud) && isJoined(modest))
    for (let count = 0; count < 20; count += 1) await loud.publish('requests', randomBytes(8 * KIB))
    await until(() => victim.counters().refused.BYTES === 12)
    await modest.publish('requests', randomBytes(8 * KIB))
    await until(() => heard.length === 9)
    assert.deepEqual(new Set(heard.slice(0, 8)), new Set([loud.peerId]))
    assert.equal(heard[8], modest.peerId)
  })
})
