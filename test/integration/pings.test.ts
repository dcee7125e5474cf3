import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { startPeer } from '../support/libp2p-peers.ts'
import { until } from '../support/until.ts'

/** A link to a port that can go silent in both directions without closing. */
async function createLink(test: TestContext, port: number) {
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = new Socket().connect(port, '127.0.0.1')
    for (const socket of [near, far]) sockets.add(socket)
    pipeline(near, far, near).catch(() => undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  test.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    address: `/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}`,
    silence: () => {
      for (const socket of sockets) socket.unpipe().pause()
    },
  }
}

describe('pings', () => {
  it('measure the round trip as soon as peers are connected, at both ends', async (test) => {
    const hour = 3_600_000
    const first = await startPeer(test, { pingIntervalMs: hour })
    const second = await startPeer(test, { bootstrap: first.addresses(), pingIntervalMs: hour })
    await until(() => first.latencyMs(second.peerId) !== null && second.latencyMs(first.peerId) !== null)
  })

  it('keep a connection that answers, and end one that went silent without closing, at both ends', async (test) => {
    const pings = { pingIntervalMs: 50, pingTimeoutMs: 500 }
    const first = await startPeer(test, pings)
    const port = Number(/tcp\/(\d+)/.exec(first.addresses()[0] ?? '')?.[1])
    const link = await createLink(test, port)
    const second = await startPeer(test, { ...pings, bootstrap: [`${link.address}/p2p/${first.peerId}`] })
    await until(() => first.peers().length === 1 && second.latencyMs(first.peerId) !== null)
    await delay(3 * pings.pingTimeoutMs)
    assert.equal(first.peers().length + second.peers().length, 2)

    link.silence()
    await until(() => first.peers().length === 0)
    await until(() => second.latencyMs(first.peerId) === null)
  })
})
