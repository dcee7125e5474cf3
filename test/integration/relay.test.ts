/** Peers that others reach over a relay alone: here the caller is told no other address of theirs. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { circuitRelayServer, RELAY_V2_HOP_CODEC } from '@libp2p/circuit-relay-v2'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { Libp2pNetwork } from '../../node/network/libp2p-network.ts'
import { DEFAULT_RELAY_LIMITS } from '../../node/network/relay-limits.ts'
import { startPeer } from '../support/libp2p-peers.ts'
import { until } from '../support/until.ts'

const ECHO = '/test/echo/1.0.0'
const options = { maxMessageBytes: 256 * 1024 }

const relayed = (peer: Libp2pNetwork): string[] => peer.addresses().filter((at) => at.includes('/p2p-circuit/'))

/** Answers each message with itself. */
function echo(peer: Libp2pNetwork): void {
  peer.handle(
    ECHO,
    async (channel) => {
      for (;;) {
        const message = await channel.receive()
        if (message === null) return await channel.close()
        await channel.send(message)
      }
    },
    options,
  )
}

async function startReached(test: TestContext, relay: Libp2pNetwork): Promise<Libp2pNetwork> {
  const peer = await startPeer(test, { bootstrap: relay.addresses() })
  echo(peer)
  await until(() => relayed(peer).length > 0)
  return peer
}

describe('a place at a relay', () => {
  it('is an address that is told, and streams come over it as they would directly', async (test) => {
    const relay = await startPeer(test, { relay: DEFAULT_RELAY_LIMITS })
    const peer = await startReached(test, relay)
    assert.deepEqual(relayed(peer), [`${relay.addresses()[0]}/p2p-circuit/p2p/${peer.peerId}`])
    const caller = await startPeer(test, { bootstrap: relay.addresses(), listen: [] })
    await until(() => caller.peers().includes(relay.peerId))
    const channel = await caller.open(peer.peerId, ECHO, { ...options, addresses: relayed(peer) })
    const large = Buffer.alloc(200_000, 'x')
    await channel.send(large)
    assert.deepEqual(Buffer.from((await channel.receive()) ?? []), large)
    await channel.close()
    assert.equal(await channel.receive(), null)
    const busy = caller.traffic().filter((each) => Math.min(each.receivedBytes, each.sentBytes) > large.length)
    assert.deepEqual(busy.map((each) => each.peer).toSorted(), [relay.peerId, peer.peerId].toSorted())
  })

  it('is lost with the relay, and taken again with it', async (test) => {
    const privateKey = await generateKeyPair('Ed25519')
    const relay = await startPeer(test, { privateKey, relay: DEFAULT_RELAY_LIMITS })
    const listen = relay.addresses()
    const peer = await startReached(test, relay)
    const told: string[][] = []
    peer.onAddresses(() => told.push(relayed(peer)))
    await relay.stop()
    await until(() => told.length === 1)
    await startPeer(test, { privateKey, listen, relay: DEFAULT_RELAY_LIMITS })
    await until(() => told.length === 2)
    assert.deepEqual(told, [[], relayed(peer)])
    assert.equal(relayed(peer).length, 1)
  })

  it('is none where the relay is full, until another goes', async (test) => {
    const relay = await startPeer(test, { relay: { ...DEFAULT_RELAY_LIMITS, maxReservations: 1 } })
    const first = await startReached(test, relay)
    const second = await startPeer(test, { bootstrap: relay.addresses() })
    await until(() => second.peers().length > 0)
    const caller = await startPeer(test, { bootstrap: relay.addresses(), listen: [] })
    await until(() => caller.peers().includes(relay.peerId))
    const guess = [`${relay.addresses()[0]}/p2p-circuit/p2p/${second.peerId}`]
    await assert.rejects(caller.open(second.peerId, ECHO, { ...options, addresses: guess }), {
      code: 'PEER_UNREACHABLE',
    })
    assert.deepEqual(relayed(second), [])
    // who goes leaves room: the one who waits for it asks again by itself
    await first.stop()
    await until(() => relayed(second).length === 1)
  })
})

describe('a relay', () => {
  it('cuts a connection that has carried its bytes, and lets another be made', async (test) => {
    const relay = await startPeer(test, { relay: { ...DEFAULT_RELAY_LIMITS, maxBytes: 500_000 } })
    const peer = await startReached(test, relay)
    const caller = await startPeer(test, { bootstrap: relay.addresses(), listen: [] })
    await until(() => caller.peers().includes(relay.peerId))
    const open = async () => await caller.open(peer.peerId, ECHO, { ...options, addresses: relayed(peer) })
    const greedy = await open()
    await assert.rejects(
      async () => {
        for (let sent = 0; sent < 20; sent += 1) {
          await greedy.send(Buffer.alloc(100_000))
          await greedy.receive()
        }
      },
      { code: 'CHANNEL_BROKEN' },
    )
    await until(() => !caller.peers().includes(peer.peerId))
    const modest = await open()
    await modest.send(Uint8Array.of(1))
    assert.deepEqual(Buffer.from((await modest.receive()) ?? []), Buffer.of(1))
  })

  it('makes no more connections a minute than it was told', async (test) => {
    const relay = await startPeer(test, { relay: { ...DEFAULT_RELAY_LIMITS, connectionsPerMinute: 1 } })
    const [first, second] = await Promise.all([startReached(test, relay), startReached(test, relay)])
    const caller = await startPeer(test, { bootstrap: relay.addresses(), listen: [] })
    await until(() => caller.peers().includes(relay.peerId))
    const open = async (to: Libp2pNetwork) =>
      await caller.open(to.peerId, ECHO, { ...options, addresses: relayed(to), timeoutMs: 3_000 })
    await open(first)
    await assert.rejects(open(second), { code: 'PEER_UNREACHABLE' })
    assert.ok((relay.counters().refused['relay:connections'] ?? 0) > 0)
  })
})

describe('a stranger that claims to be a relay', () => {
  it('brings nobody here where it was not asked to', async (test) => {
    const victim = await startPeer(test)
    echo(victim)
    const stranger = await createLibp2p({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      services: { identify: identify(), relay: circuitRelayServer() },
    })
    test.after(() => stranger.stop())
    const connection = await stranger.dial(multiaddr(victim.addresses()[0] ?? ''))
    // it dialled here, so it is no help in being reached
    await until(async () => (await stranger.peerStore.get(connection.remotePeer)).protocols.length > 0)
    const before = victim.counters().refused['connection:relayed'] ?? 0
    const stop = await connection.newStream('/libp2p/circuit/relay/0.2.0/stop')
    const connect = Buffer.concat([Buffer.of(8, 0, 18), peerField(stranger.peerId.toMultihash().bytes)])
    stop.send(Buffer.concat([Buffer.of(connect.length), connect]))
    await until(() => (victim.counters().refused['connection:relayed'] ?? 0) > before)
    assert.deepEqual(relayed(victim), [])
    assert.ok(stranger.getProtocols().includes(RELAY_V2_HOP_CODEC))
  })
})

/** The peer of a CONNECT: its length, and the field of its id. */
function peerField(id: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(id.length + 2, 10, id.length), id])
}
