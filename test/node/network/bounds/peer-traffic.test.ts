import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { MultiaddrConnection, PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { createTrafficCounter } from '../../../../node/network/bounds/peer-traffic.ts'

/** The side of a connection that the counter sees. */
class Wire extends EventTarget {
  status = 'open'
  readonly written: number[] = []

  send(data: Uint8Array): boolean {
    this.written.push(data.byteLength)
    return this.written.length < 3
  }

  arrive(bytes: number): void {
    this.dispatchEvent(Object.assign(new Event('message'), { data: new Uint8Array(bytes) }))
  }

  close(): void {
    this.status = 'closed'
    this.dispatchEvent(new Event('close'))
  }
}

async function peerOf(seed: number): Promise<PeerId> {
  return peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', new Uint8Array(32).fill(seed)))
}

describe('traffic of peers', () => {
  function setUp() {
    const counter = createTrafficCounter()
    const connect = (peer: PeerId, wire = new Wire()): Wire => {
      counter.watch(peer, wire as unknown as MultiaddrConnection)
      return wire
    }
    return { counter, connect }
  }

  it('is counted both ways, over all connections of a peer', async () => {
    const { counter, connect } = setUp()
    const [a, b] = [await peerOf(1), await peerOf(2)]
    const wires = [connect(a), connect(a), connect(b)]
    for (const wire of wires) wire.arrive(100)
    assert.deepEqual(
      [1, 2, 3].map((bytes) => wires[0]?.send(new Uint8Array(bytes))),
      [true, true, false],
      'what the connection answers goes on to who sends',
    )
    assert.deepEqual(wires[0]?.written, [1, 2, 3])
    assert.deepEqual(counter.totals(), [
      { peer: a.toString(), receivedBytes: 200, sentBytes: 6 },
      { peer: b.toString(), receivedBytes: 100, sentBytes: 0 },
    ])
  })

  it('is forgotten with the last connection of a peer, whoever it was', async () => {
    const { counter, connect } = setUp()
    for (let seed = 0; seed < 100; seed += 1) connect(await peerOf(seed)).close()
    assert.deepEqual(counter.totals(), [])
    const peer = await peerOf(1)
    const [first, second] = [connect(peer), connect(peer)]
    first.arrive(10)
    first.close()
    assert.equal(counter.totals()[0]?.receivedBytes, 10)
    second.close()
    assert.deepEqual(counter.totals(), [])
    connect(peer)
    assert.equal(counter.totals()[0]?.receivedBytes, 0)
  })

  it('keeps nothing of a connection that was over before', async () => {
    const { counter, connect } = setUp()
    const wire = new Wire()
    wire.close()
    connect(await peerOf(1), wire)
    assert.deepEqual(counter.totals(), [])
  })
})
