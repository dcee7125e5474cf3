import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { startPeer } from '../support/libp2p-peers.ts'
import { until } from '../support/until.ts'
import { createLink, portOf } from './support/link.ts'

describe('pings', () => {
  it('measure the round trip as soon as peers are connected, at both ends', async (test) => {
    const hour = 3_600_000
    const first = await startPeer(test, { pingIntervalMs: hour })
    const second = await startPeer(test, { bootstrap: first.addresses(), pingIntervalMs: hour })
    await until(() => first.latencyMs(second.peerId) !== null && second.latencyMs(first.peerId) !== null)
  })

  it('keep a connection that answers, and end one that went silent without closing, at both ends', async (test) => {
    const pings = { pingIntervalMs: 200, pingTimeoutMs: 5_000 }
    const first = await startPeer(test, pings)
    const link = await createLink(test, portOf(first))
    const second = await startPeer(test, { ...pings, bootstrap: [`${link.address}/p2p/${first.peerId}`] })
    await until(() => first.peers().length === 1 && second.latencyMs(first.peerId) !== null)
    await delay(1.2 * pings.pingTimeoutMs)
    assert.equal(first.peers().length + second.peers().length, 2)

    link.silence()
    await until(() => first.peers().length === 0)
    await until(() => second.latencyMs(first.peerId) === null)
  })
})
