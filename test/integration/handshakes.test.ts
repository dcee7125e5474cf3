/** Peers that answer at an address to begin with, and do not come to terms at once, or never. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startPeer } from '../support/libp2p-peers.ts'
import { until } from '../support/until.ts'
import { createLink, portOf } from './support/link.ts'

describe('handshakes with a bootstrap address', () => {
  it('that break off twice are tried again, and nothing is said of them', async (test) => {
    const peer = await startPeer(test)
    const troubles: string[] = []
    const { address } = await createLink(test, portOf(peer), 2)
    const other = await startPeer(test, { bootstrap: [address], onTrouble: (line) => void troubles.push(line) })
    await until(() => other.peers().includes(peer.peerId))
    assert.deepEqual(troubles, [])
  })

  it('that always break off are told once, with what may be the cause', async (test) => {
    const troubles: string[] = []
    const { address } = await createLink(test, 9, Number.POSITIVE_INFINITY)
    await startPeer(test, { bootstrap: [address], onTrouble: (line) => void troubles.push(line) })
    await until(() => troubles.length > 0)
    assert.match(troubles.join('\n'), /^\S+ answers, and not as a peer of this network: it may have a --network-key/)
  })
})
