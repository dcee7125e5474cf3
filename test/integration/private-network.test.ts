/** A network with a key: whoever has another or none is no part of it. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { generateKey } from '@libp2p/pnet'
import { isJoined, sayUntil, startPeer } from '../support/libp2p-peers.ts'
import { requestBytes } from '../support/requests.ts'
import { until } from '../support/until.ts'

function newKey(): Uint8Array {
  const key = new Uint8Array(95)
  generateKey(key)
  return key
}

describe('a private network', () => {
  it('carries gossip and streams among those who have its key, and nobody else connects', async (test) => {
    const networkKey = newKey()
    const first = await startPeer(test, { networkKey })
    const member = await startPeer(test, { networkKey, bootstrap: first.addresses() })
    const outsiders = [
      await startPeer(test, { networkKey: newKey(), bootstrap: first.addresses() }),
      await startPeer(test, { bootstrap: first.addresses() }),
    ]
    await until(() => isJoined(member) && isJoined(first))
    const heard: Uint8Array[] = []
    first.subscribe('requests', { validate: () => 'accept', deliver: (data) => heard.push(data) })
    await sayUntil(
      () => heard.length > 0,
      (id) => member.publish('requests', requestBytes(id)),
    )
    first.handle('/test/echo/1.0.0', async (channel) => {
      await channel.send((await channel.receive()) ?? Uint8Array.of())
      await channel.close()
    })
    const options = { addresses: first.addresses(), maxMessageBytes: 64 }
    const channel = await member.open(first.peerId, '/test/echo/1.0.0', options)
    await channel.send(Uint8Array.of(7))
    assert.deepEqual(await channel.receive(), Uint8Array.of(7))
    const refused = outsiders.map(async (outsider) => {
      const opening = outsider.open(first.peerId, '/test/echo/1.0.0', { ...options, timeoutMs: 1_000 })
      await assert.rejects(opening, { code: 'PEER_UNREACHABLE' })
      assert.deepEqual(outsider.peers(), [])
    })
    await Promise.all(refused)
    assert.deepEqual(first.peers(), [member.peerId])
  })
})
