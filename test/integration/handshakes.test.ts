/** Peers that answer at an address to begin with, and do not come to terms at once, or never. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { describe, it, type TestContext } from 'node:test'
import { startPeer } from '../support/libp2p-peers.ts'
import { until } from '../support/until.ts'

/** Passes connections on to a port, but for the first ones, which it breaks off in their midst. */
async function breakOff(test: TestContext, port: number, first: number): Promise<string> {
  const sockets = new Set<Socket>()
  let count = 0
  const server = createServer((near) => {
    sockets.add(near)
    near.on('error', () => undefined)
    count += 1
    if (count <= first) {
      near.once('data', () => near.end('/multistream'))
      return
    }
    const far = new Socket().connect(port, '127.0.0.1')
    sockets.add(far)
    pipeline(near, far, near).catch(() => undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  test.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}`
}

describe('handshakes with a bootstrap address', () => {
  it('that break off twice are tried again, and nothing is said of them', async (test) => {
    const peer = await startPeer(test)
    const port = Number(/tcp\/(\d+)/.exec(peer.addresses()[0] ?? '')?.[1])
    const troubles: string[] = []
    const bootstrap = [await breakOff(test, port, 2)]
    const other = await startPeer(test, { bootstrap, onTrouble: (line) => void troubles.push(line) })
    await until(() => other.peers().includes(peer.peerId))
    assert.deepEqual(troubles, [])
  })

  it('that always break off are told once, with what may be the cause', async (test) => {
    const troubles: string[] = []
    const bootstrap = [await breakOff(test, 9, Number.POSITIVE_INFINITY)]
    await startPeer(test, { bootstrap, onTrouble: (line) => void troubles.push(line) })
    await until(() => troubles.length > 0)
    assert.match(troubles.join('\n'), /^\S+ answers, and not as a peer of this network: it may have a --network-key/)
  })
})
