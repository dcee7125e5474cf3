import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { systemClock } from '../../node/clock.ts'
import { createDirectory } from '../../node/directory/directory.ts'
import { silentLogger } from '../../node/logger.ts'
import type { Channel } from '../../node/network/index.ts'
import type { Libp2pNetwork } from '../../node/network/libp2p-network.ts'
import { announcementBytes } from '../support/announcements.ts'
import { isJoined, sayUntil, startPeer, startPeers } from '../support/libp2p-peers.ts'
import { peerNetworkSuite } from '../support/peer-network-suite.ts'
import { requestBytes } from '../support/requests.ts'
import { until } from '../support/until.ts'

peerNetworkSuite('libp2p network', startPeers)

const ECHO = '/test/echo/1.0.0'
const options = { maxMessageBytes: 1_024 }

function withoutPeerId(peer: Libp2pNetwork): string[] {
  return peer.addresses().map((address) => address.replace(/\/p2p\/.*/, ''))
}

/** Everything that the peer hears on a topic, and a promise of so many messages. */
function listen(peer: Libp2pNetwork, topic: 'requests' | 'announcements') {
  const heard: Uint8Array[] = []
  peer.subscribe(topic, { validate: () => 'accept', deliver: (data) => heard.push(data) })
  return { heard, count: (count: number) => until(() => heard.length >= count) }
}

describe('traffic', () => {
  it('is counted in bytes on the wire, both ways, while the peer is connected', async (test) => {
    const [a, b] = await startPeers(test, 2)
    assert.ok(a && b)
    b.handle(
      ECHO,
      async (channel) => {
        await channel.receive()
        await channel.send(new Uint8Array(10_000))
        await channel.close()
      },
      { maxMessageBytes: 200_000 },
    )
    const before = a.traffic()
    assert.deepEqual([before.length, before[0]?.peer], [1, b.peerId])
    const channel = await a.open(b.peerId, ECHO, { maxMessageBytes: 10_000 })
    await channel.send(new Uint8Array(100_000))
    assert.equal((await channel.receive())?.byteLength, 10_000)
    const grown = (now = a.traffic()): number[] => [
      (now[0]?.receivedBytes ?? 0) - (before[0]?.receivedBytes ?? 0),
      (now[0]?.sentBytes ?? 0) - (before[0]?.sentBytes ?? 0),
    ]
    const [received = 0, sent = 0] = grown()
    // Gossip goes on meanwhile.
    assert.ok(received > 10_000 && received < 30_000, `${received} received`)
    assert.ok(sent > 100_000 && sent < 130_000, `${sent} sent`)
    await b.stop()
    await until(() => a.traffic().length === 0)
  })

  it('goes out in one write for what a turn brings', async (test) => {
    const corked = test.mock.method(Socket.prototype, 'cork')
    await startPeers(test, 2)
    assert.ok(corked.mock.callCount() > 0, 'the connection shows its socket')
  })
})

describe('joining', () => {
  it('needs no peer id in a bootstrap address, and waits for one that is not there yet', async (test) => {
    const privateKey = await generateKeyPair('Ed25519')
    const first = await startPeer(test, { privateKey })
    const bootstrap = withoutPeerId(first)
    const listen = bootstrap
    await first.stop()
    const early = await startPeer(test, { bootstrap })
    const late = await startPeer(test, { privateKey, listen })
    await until(() => isJoined(early) && isJoined(late))
    assert.deepEqual(early.peers(), [late.peerId])
  })

  it('is done again where a bootstrap peer was lost', async (test) => {
    const privateKey = await generateKeyPair('Ed25519')
    const first = await startPeer(test, { privateKey })
    const listen = withoutPeerId(first)
    const peers = [
      await startPeer(test, { bootstrap: first.addresses() }),
      await startPeer(test, { bootstrap: withoutPeerId(first) }),
    ]
    await until(() => peers.every(isJoined))
    await first.stop()
    await until(() => peers.every((peer) => peer.peers().length === 0))
    await startPeer(test, { privateKey, listen })
    await until(() => peers.every(isJoined))
  })

  it('takes its own address among the bootstrap addresses for what it is', async (test) => {
    const privateKey = await generateKeyPair('Ed25519')
    const first = await startPeer(test, { privateKey })
    const own = withoutPeerId(first)
    await first.stop()
    const again = await startPeer(test, { privateKey, listen: own, bootstrap: own })
    const other = await startPeer(test, { bootstrap: own })
    await until(() => isJoined(again))
    assert.deepEqual(again.peers(), [other.peerId])
  })

  it('lets a newcomer be heard with the first thing it says, before it knows anyone', async (test) => {
    const first = await startPeer(test)
    const { heard, count } = listen(first, 'requests')
    const newcomer = await startPeer(test, { bootstrap: first.addresses() })
    await newcomer.publish('requests', requestBytes(1))
    await count(1)
    assert.deepEqual(
      heard.map(Buffer.from),
      [Buffer.from(requestBytes(1))].map((bytes) => heard[0] ?? bytes),
    )
  })

  it('brings a newcomer the market that its neighbours know', async (test) => {
    const first = await startPeer(test)
    const start = async (network: Libp2pNetwork) => {
      const directory = createDirectory({ network, clock: systemClock, logger: silentLogger }, { networkName: 'test' })
      await directory.start()
      test.after(() => directory.stop())
      return directory
    }
    const known = await start(first)
    const privateKey = await generateKeyPair('Ed25519')
    const seller = await startPeer(test, { privateKey, bootstrap: first.addresses() })
    await until(() => isJoined(seller))
    await seller.publish('announcements', await announcementBytes(privateKey))
    await until(() => known.list().length === 1)
    const late = await startPeer(test, { bootstrap: first.addresses() })
    const newcomer = await start(late)
    await until(() => newcomer.list().length === 1 && isJoined(late))
    assert.equal(newcomer.list()[0]?.provider, seller.peerId)
    // Until a heartbeat put it into the mesh nobody repeats gossip to it, up to a second: it knows what it asked for.
    let sequence = 1n
    await sayUntil(
      () => late.counters().heard.announcements > 0,
      async () => {
        sequence += 1n
        await seller.publish('announcements', await announcementBytes(privateKey, { sequence }))
      },
    )
    const goodbye = { sequence: sequence + 1n, pausedReason: 'offline' }
    await seller.publish('announcements', await announcementBytes(privateKey, goodbye))
    await seller.stop()
    await until(() => newcomer.list()[0]?.status === 'offline' && known.list()[0]?.status === 'offline')
  })
})

describe('gossip among many', () => {
  it('goes through peers that do not read the topic themselves', async (test) => {
    const [middle, left, right] = await startPeers(test, 3)
    assert.ok(middle !== undefined && left !== undefined && right !== undefined)
    const { heard } = listen(right, 'requests')
    await sayUntil(
      () => heard.length > 0,
      (id) => left.publish('requests', requestBytes(id)),
    )
    assert.ok(middle.counters().delivered > 0)
  })

  it('reaches 30 peers that know nothing but one bootstrap address', async (test) => {
    const peers = await startPeers(test, 30)
    const listeners = peers.map((peer) => listen(peer, 'requests'))
    const last = peers.at(-1)
    assert.ok(last !== undefined)
    await sayUntil(
      () => listeners.slice(0, -1).every(({ heard }) => heard.length > 2),
      (id) => last.publish('requests', requestBytes(id)),
    )
    for (const { heard } of listeners) {
      const different = new Set(heard.map((data) => Buffer.from(data).toString('hex')))
      assert.equal(different.size, heard.length, 'nobody heard the same twice')
    }
  })
})

describe('streams of one gateway', () => {
  it('may be 300 at once, and find room again when they end', async (test) => {
    const [a, b] = await startPeers(test, 2)
    assert.ok(a !== undefined && b !== undefined)
    b.handle(
      ECHO,
      async (channel) => {
        await channel.send((await channel.receive()) ?? Uint8Array.of())
        await channel.close()
      },
      { ...options, maxInboundStreams: 300 },
    )
    for (let round = 0; round < 2; round += 1) {
      const opening = Array.from({ length: 300 }, async () => await a.open(b.peerId, ECHO, options))
      const channels: Channel[] = await Promise.all(opening)
      const echoes = await Promise.all(
        channels.map(async (channel, index) => {
          await channel.send(Uint8Array.of(index % 256))
          const echo = await channel.receive()
          await channel.close()
          assert.equal(await channel.receive(), null)
          return echo?.[0]
        }),
      )
      assert.deepEqual(
        echoes,
        Array.from({ length: 300 }, (_, index) => index % 256),
      )
    }
  })

  it('dial the addresses given, prove the peer, and pass over what is no address', async (test) => {
    const [a, b] = [await startPeer(test), await startPeer(test)]
    b.handle(ECHO, async (channel) => channel.send(Uint8Array.of(1)), options)
    const [address = ''] = withoutPeerId(b)
    const impostor = await startPeer(test)
    await assert.rejects(a.open(impostor.peerId, ECHO, { ...options, addresses: [address] }), {
      code: 'PEER_UNREACHABLE',
    })
    const addresses = ['nonsense', '/ip4/169.254.169.254/tcp/80', '/ip4/127.0.0.1/udp/9', address]
    const channel = await a.open(b.peerId, ECHO, { ...options, addresses })
    assert.deepEqual(await channel.receive(), Buffer.of(1))
  })

  it('break when the other peer stops', async (test) => {
    const [a, b] = await startPeers(test, 2)
    assert.ok(a !== undefined && b !== undefined)
    const held = Promise.withResolvers<void>()
    b.handle(ECHO, async () => held.resolve(), options)
    const channel = await a.open(b.peerId, ECHO, options)
    await held.promise
    const waiting = assert.rejects(channel.receive(), { code: 'CHANNEL_BROKEN' })
    await b.stop()
    await waiting
  })
})
