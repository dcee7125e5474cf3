/** Real peers that open streams without end. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startPeer } from '../support/libp2p-peers.ts'
import { until } from '../support/until.ts'

const PROTOCOL = '/cortex/test/1.0.0'
const RATE = { own: 20, total: 1_000, spanMs: 3_600_000 }

describe('streams of one peer', { timeout: 60_000 }, () => {
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
