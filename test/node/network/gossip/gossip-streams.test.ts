import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { GossipSub } from '@libp2p/gossipsub'
import { RPC } from '@libp2p/gossipsub/message'
import { type Identify, identify } from '@libp2p/identify'
import type { Connection, PeerId, Stream, StreamHandler } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { decode } from 'it-length-prefixed'
import { createLibp2p } from 'libp2p'
import { prepareStreams } from '../../../../node/network/gossip/gossip-streams.ts'
import { startPeer } from '../../../support/libp2p-peers.ts'
import { createSimClock } from '../../../support/sim-clock.ts'
import { until } from '../../../support/until.ts'

const GOSSIP = '/meshsub/1.1.0'
const IDENTIFY = '/ipfs/id/1.0.0'

async function peerId(): Promise<PeerId> {
  return peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
}

/** A router whose streams open when the test says so. */
function fakeRouter() {
  const opening: { peer: PeerId; connection: Connection; done: () => void }[] = []
  let starts = 0
  const router = {
    streamsOutbound: new Map(),
    start: async () => {
      starts += 1
    },
    createOutboundStream: async (peer: PeerId, connection: Connection) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      opening.push({ peer, connection, done: resolve })
      await promise
    },
  }
  return { opening, router, starts: () => starts, prepared: prepareStreams(router as unknown as GossipSub) as never }
}

const connection = (id: string): Connection => ({ id }) as Connection

describe('a router', () => {
  it('is there before anything listens or dials', async () => {
    const { prepared, starts } = fakeRouter()
    await (prepared as { beforeStart(): Promise<void> }).beforeStart()
    assert.equal(starts(), 1)
  })

  it('opens no stream after that of a peer that does not answer, but beside it', async () => {
    const { router, opening } = fakeRouter()
    const [silent, other] = [await peerId(), await peerId()]
    await router.createOutboundStream(silent, connection('1'))
    await router.createOutboundStream(other, connection('2'))
    assert.deepEqual(
      opening.map(({ peer }) => peer),
      [silent, other],
    )
  })

  it('opens one at a time to each peer, the next over the newest connection', async () => {
    const { router, opening } = fakeRouter()
    const peer = await peerId()
    for (const id of ['1', '2', '3']) await router.createOutboundStream(peer, connection(id))
    assert.equal(opening.length, 1)
    opening[0]?.done()
    await until(() => opening.length === 2)
    assert.equal(opening[1]?.connection.id, '3')
    opening[1]?.done()
    await new Promise(setImmediate)
    await router.createOutboundStream(peer, connection('4'))
    assert.deepEqual(
      opening.map((one) => one.connection.id),
      ['1', '3', '4'],
    )
  })
})

/** A neighbour that does with the streams of gossip opened to it what the test wants. */
async function startNeighbour(test: TestContext, onStream: (stream: Stream, connection: Connection) => void) {
  const host = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() },
  })
  test.after(() => host.stop())
  await host.handle(GOSSIP, onStream, { maxInboundStreams: 100 })
  return host
}

/** The first frame of a stream. */
async function firstFrame(stream: Stream): Promise<RPC> {
  for await (const frame of decode(stream)) return RPC.decode(frame.subarray())
  throw new Error('The stream ended before its first frame')
}

describe('a neighbour whose stream of gossip was lost', () => {
  it('is told everything again over the connection that stayed', async (test) => {
    const victim = await startPeer(test)
    const frames: RPC[] = []
    let streams = 0
    const neighbour = await startNeighbour(test, (stream) => {
      streams += 1
      if (streams <= 2) stream.abort(new Error('lost'))
      else void firstFrame(stream).then((frame) => frames.push(frame))
    })
    const connected = await neighbour.dial(victim.addresses().map((address) => multiaddr(address)))
    await until(() => frames.length > 0)
    assert.equal(frames[0]?.subscriptions.length, 2)
    assert.equal(connected.status, 'open')
  })

  it('is told everything again as soon as a connection ends and another is left', async (test) => {
    // It stands still: nothing is asked because time has passed.
    const victim = await startPeer(test, { clock: createSimClock() })
    const told: string[] = []
    const neighbour = await startNeighbour(test, (stream, connection) => {
      void firstFrame(stream).then(
        () => told.push(connection.id),
        () => undefined, // ended with its connection
      )
    })
    const addresses = victim.addresses().map((address) => multiaddr(address))
    const first = await neighbour.dial(addresses)
    await until(() => told.includes(first.id))
    const second = await neighbour.dial(addresses, { force: true })
    await until(() => told.includes(second.id))
    assert.deepEqual([first.status === 'open', second.status], [false, 'open'])
  })

  it('is asked again what it speaks where it did not say so at first', async (test) => {
    const victim = await startPeer(test)
    const told = Promise.withResolvers<RPC>()
    const neighbour = await startNeighbour(test, (stream) => void firstFrame(stream).then(told.resolve, told.reject))
    await neighbour.unhandle(IDENTIFY)
    const connected = await neighbour.dial(victim.addresses().map((address) => multiaddr(address)))
    // Its question was turned away by now.
    await until(() => victim.peers().length === 1 && connected.streams.length === 0)
    const { handleProtocol } = neighbour.services.identify as Identify & { handleProtocol: StreamHandler }
    await neighbour.handle(IDENTIFY, handleProtocol, { maxInboundStreams: 1 })
    assert.equal((await told.promise).subscriptions.length, 2)
    assert.equal(connected.status, 'open')
  })

  it('is dialled anew where it is a bootstrap peer to which none can be opened', async (test) => {
    let connections = 0
    const neighbour = await startNeighbour(test, (stream) => stream.abort(new Error('lost')))
    neighbour.addEventListener('connection:open', () => {
      connections += 1
    })
    await startPeer(test, { bootstrap: neighbour.getMultiaddrs().map(String) })
    await until(() => connections > 1)
  })
})
