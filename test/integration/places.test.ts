/** A bootstrap peer whose places are taken, over real sockets. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { quietLog } from '../../node/network/host/quiet-log.ts'
import { isJoined, startPeer } from '../support/libp2p-peers.ts'
import { until } from '../support/until.ts'

/** Connects and does nothing more. */
async function startIdler(test: TestContext, address: string): Promise<void> {
  const host = await createLibp2p({
    logger: quietLog,
    privateKey: await generateKeyPair('Ed25519'),
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { reconnectRetries: 0 },
    services: { identify: identify() },
  })
  test.after(async () => await host.stop())
  // One that is turned away stays away.
  await host.dial(multiaddr(address)).catch(() => undefined)
}

describe('a bootstrap peer whose places are taken', () => {
  it('entry 13: lets newcomers join in the places of idle peers, and keeps who is of use', async (test) => {
    const bootstrap = await startPeer(test, { maxConnections: 20 })
    const [address = ''] = bootstrap.addresses()
    const useful = await startPeer(test, { bootstrap: [address] })
    await until(() => isJoined(useful))
    useful.handle('/cortex/test/1.0.0', async (channel) => void (await channel.receive()), { maxMessageBytes: 64 })
    await bootstrap.open(useful.peerId, '/cortex/test/1.0.0', { maxMessageBytes: 64 })
    await Promise.all(Array.from({ length: 30 }, async () => await startIdler(test, address)))
    await until(() => bootstrap.peers().length >= 20)

    const newcomers = await Promise.all(
      Array.from({ length: 4 }, async () => await startPeer(test, { bootstrap: [address] })),
    )
    await until(() => newcomers.every((peer) => peer.peers().includes(bootstrap.peerId) && isJoined(peer)))
    assert.ok(bootstrap.peers().includes(useful.peerId))
    assert.ok(bootstrap.peers().length <= 20, `${bootstrap.peers().length} are there`)
    assert.ok((bootstrap.counters().refused['connection:displaced'] ?? 0) >= 4)
  })
})
