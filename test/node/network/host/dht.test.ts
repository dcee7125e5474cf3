/** Who is taken up into the table by which peers find each other. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId, PeerInfo } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { offerConnected } from '../../../../node/network/host/dht.ts'

const ADDRESS = '/ip4/45.0.0.1/tcp/4001'
const ANSWERS = '/cortex/1/test/kad/1.0.0'

test('those who are connected and answer questions are offered again and again, with where they are', async () => {
  const [near, silent, foreign, gone] = await Promise.all(
    [0, 1, 2, 3].map(async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))),
  )
  assert.ok(near && silent && foreign && gone)
  const speak = new Map<PeerId, string[]>([
    [near, ['/ipfs/ping/1.0.0', ANSWERS]],
    [silent, ['/ipfs/ping/1.0.0']],
    [foreign, ['/cortex/1/elsewhere/kad/1.0.0']],
  ])
  const host = {
    getPeers: () => [near, silent, foreign, gone],
    peerStore: {
      async get(id: PeerId) {
        const protocols = speak.get(id)
        if (protocols === undefined) throw new Error('Not found')
        return { id, protocols, addresses: [{ multiaddr: multiaddr(ADDRESS), isCertified: true }] }
      },
    },
  } as unknown as Parameters<typeof offerConnected>[0]
  const offered: PeerInfo[] = []
  const table = { onPeerConnect: async (peer: PeerInfo) => void offered.push(peer) }

  await offerConnected(host, table, 'test')
  speak.set(silent, [ANSWERS])
  await offerConnected(host, table, 'test')
  assert.deepEqual(
    offered.map(({ id, multiaddrs }) => [id, multiaddrs.map(String)]),
    [near, near, silent].map((id) => [id, [ADDRESS]]),
  )
})
