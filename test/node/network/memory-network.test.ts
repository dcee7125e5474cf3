import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ChannelBrokenError, PeerUnreachableError } from '../../../node/network/index.ts'
import { createMemoryHub, type MemoryPeer } from '../../support/memory-network.ts'
import { peerNetworkSuite } from '../../support/peer-network-suite.ts'

peerNetworkSuite('memory network', async (_test, count) => {
  const hub = createMemoryHub()
  const peers: MemoryPeer[] = []
  for (let index = 0; index < count; index += 1) peers.push(await hub.join())
  return peers.map(({ network }) => network)
})

const options = { maxMessageBytes: 1_024 }
const PROTOCOL = '/test/memory/1.0.0'

describe('memory hub', () => {
  it('cuts and heals: gossip is lost, openings fail, channels break', async () => {
    const hub = createMemoryHub()
    const [a, b] = [await hub.join(), await hub.join()]
    const heard: string[] = []
    b.network.subscribe('requests', { validate: () => 'accept', deliver: (data) => heard.push(String(data)) })
    b.network.handle(PROTOCOL, async (channel) => void (await channel.receive()), options)
    const channel = await a.network.open(b.network.peerId, PROTOCOL, options)

    hub.partition([[a], [b]])
    await assert.rejects(channel.receive(), ChannelBrokenError)
    await assert.rejects(a.network.open(b.network.peerId, PROTOCOL, options), PeerUnreachableError)
    await a.network.publish('requests', Uint8Array.of(1))
    await hub.settled()
    assert.deepEqual(a.network.peers(), [])

    hub.heal()
    await a.network.publish('requests', Uint8Array.of(2))
    await hub.settled()
    assert.deepEqual(heard, ['2'])
    await a.network.open(b.network.peerId, PROTOCOL, options)
  })

  it('stalls channels at a cut that is to heal', async () => {
    const hub = createMemoryHub()
    const [a, b] = [await hub.join(), await hub.join()]
    const received: (string | undefined)[] = []
    const ended = Promise.withResolvers<void>()
    b.network.handle(
      PROTOCOL,
      async (channel) => {
        for (let message = await channel.receive(); message !== null; message = await channel.receive()) {
          received.push(String(message))
        }
        ended.resolve()
      },
      options,
    )
    const channel = await a.network.open(b.network.peerId, PROTOCOL, options)
    hub.partition([[a], [b]], 'stall')
    await channel.send(Uint8Array.of(1))
    await channel.close()
    await hub.settled()
    assert.deepEqual(received, [])
    hub.heal()
    await ended.promise
    assert.deepEqual(received, ['1'])
  })

  it('lets a rule drop, hold and release', async () => {
    const hub = createMemoryHub()
    const [a, b, c] = [await hub.join(), await hub.join(), await hub.join()]
    const heard: string[] = []
    for (const peer of [b, c]) {
      const name = peer === b ? 'b' : 'c'
      peer.network.subscribe('requests', { validate: () => 'accept', deliver: () => heard.push(name) })
    }
    hub.rule = ({ to }) => (to === c.network.peerId ? 'hold' : 'pass')
    await a.network.publish('requests', Uint8Array.of(1))
    await hub.settled()
    assert.deepEqual(heard, ['b'])
    hub.release()
    await hub.settled()
    assert.deepEqual(heard, ['b', 'c'])
    hub.rule = () => 'drop'
    await a.network.publish('requests', Uint8Array.of(2))
    await assert.rejects(a.network.open(b.network.peerId, PROTOCOL, options), PeerUnreachableError)
    await hub.settled()
    assert.deepEqual(heard, ['b', 'c'])
  })

  it('gives the same peer id to the same seed, also after a restart', async () => {
    const hub = createMemoryHub()
    const a = await hub.join(7)
    await assert.rejects(hub.join(7), /joined already/)
    a.leave()
    const again = await hub.join(7)
    assert.equal(again.network.peerId, a.network.peerId)
  })
})
