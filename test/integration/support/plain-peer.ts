/**
 * A peer written straight on libp2p and the wire schema, without our code: what somebody else could write, to listen, to
 * take part, or to do harm.
 */

import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf'
import { generateKeyPair, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import { type GossipSub, gossipsub, type Message } from '@libp2p/gossipsub'
import { type Identify, identify } from '@libp2p/identify'
import type { Connection, Libp2p, PrivateKey, Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { peerIdFromString } from '@libp2p/peer-id'
import { tcp } from '@libp2p/tcp'
import { type LengthPrefixedStream, lpStream } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import pRetry from 'p-retry'
import { type SignedStatement, SignedStatementSchema } from '../../../protocol/gen/cortex/v1/market_pb.js'
import { until } from '../../support/until.ts'

export const WIRE = {
  requests: 'requests',
  announcements: 'announcements',
  ask: '/cortex/ask/1.0.0',
  bid: '/cortex/bid/1.0.0',
  award: '/cortex/award/1.0.0',
  lease: '/cortex/lease/1.0.0',
  directory: '/cortex/directory/1.0.0',
} as const

/** How long one try to connect may take, in ms. */
const DIAL_MS = 30_000
/** How long gossip may take to come about over a connection, in ms: the library asks once whether the other speaks it. */
const GOSSIP_MS = 60_000

export type Wire = LengthPrefixedStream<Stream>

export interface Heard {
  topic: 'requests' | 'announcements'
  /** Who signed the gossip message. */
  author: string
  /** The message's payload as it came. */
  data: Uint8Array
}

export interface PlainPeer {
  readonly id: string
  readonly privateKey: PrivateKey
  readonly addresses: string[]
  /** Whom it dialled, in the order of the market's addresses. */
  readonly dialled: string[]
  /** Everything that came over the topics. */
  readonly heard: Heard[]
  /** Calls back with each message on a topic, as it comes. */
  onGossip(callback: (heard: Heard) => void): void
  publish(topic: Heard['topic'], data: Uint8Array): Promise<void>
  /** Opens a stream of whole messages to a connected peer. */
  open(peer: string, protocol: string): Promise<Wire>
  /** Answers streams; what it throws ends the stream. */
  answer(protocol: string, answer: (wire: Wire, peer: string) => Promise<void>): Promise<void>
  sign(kind: 'announcement' | 'bid' | 'award' | 'receipt', payload: Uint8Array): Promise<SignedStatement>
  /** Whether a connection with this peer is open. */
  isConnected(peer: string): boolean
  stop(): Promise<void>
}

/** Joins a market as another program would: dials the addresses, and subscribes to the market's topics. */
export async function joinPlainly(market: { network: string; bootstrap: string[] }): Promise<PlainPeer> {
  const privateKey = await generateKeyPair('Ed25519')
  const host: Libp2p<{ identify: Identify; pubsub: GossipSub }> = await createLibp2p({
    privateKey,
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), pubsub: gossipsub({ floodPublish: true }) },
  })
  const { pubsub } = host.services
  const topicOf = (topic: string) => `/cortex/1/${market.network}/${topic}`
  const heard: Heard[] = []
  const callbacks = new Set<(heard: Heard) => void>()
  pubsub.addEventListener('message', ({ detail }: CustomEvent<Message>) => {
    const topic = detail.topic === topicOf('requests') ? 'requests' : 'announcements'
    const author = detail.type === 'signed' ? detail.from.toString() : ''
    const message: Heard = { topic, author, data: detail.data }
    heard.push(message)
    for (const callback of callbacks) callback(message)
  })
  const dial = async (address: string): Promise<Connection> =>
    await host.dial(multiaddr(address), { signal: AbortSignal.timeout(DIAL_MS) })
  const topics = ['requests', 'announcements'].map(topicOf)
  const tryToJoin = async (): Promise<Connection[]> => {
    const connections = await Promise.all(market.bootstrap.map(dial))
    for (const topic of topics) pubsub.subscribe(topic)
    const isHeard = (): boolean => topics.every((topic) => pubsub.getSubscribers(topic).length >= connections.length)
    await until(isHeard, AbortSignal.timeout(GOSSIP_MS)).catch(async (error) => {
      await Promise.all(connections.map(async (connection) => await connection.close()))
      throw error
    })
    return connections
  }
  // A machine that has no time for a handshake, or for asking a neighbour what it speaks, has more of it later.
  const join = async (): Promise<Connection[]> => await pRetry(tryToJoin, { retries: 5 })
  const connections = await join().catch(async (error) => {
    await host.stop() // else it would keep the whole test's process
    throw error
  })

  return {
    id: host.peerId.toString(),
    privateKey,
    get addresses() {
      return host.getMultiaddrs().map(String)
    },
    dialled: connections.map(({ remotePeer }) => remotePeer.toString()),
    heard,
    onGossip: (callback) => callbacks.add(callback),
    publish: async (topic, data) => void (await pubsub.publish(topicOf(topic), data)),
    async open(peer, protocol) {
      // As many as the other allows.
      const stream = await host.dialProtocol(peerIdFromString(peer), protocol, { maxOutboundStreams: 10_000 })
      return lpStream(stream)
    },
    async answer(protocol, answer) {
      const onStream = (stream: Stream, connection: Connection): void => {
        answer(lpStream(stream), connection.remotePeer.toString()).catch((error) => stream.abort(error))
      }
      await host.handle(protocol, onStream, { maxInboundStreams: 100, force: true })
    },
    sign: async (kind, payload) => await signAs(privateKey, kind, payload),
    isConnected: (peer) => host.getConnections(peerIdFromString(peer)).some(({ status }) => status === 'open'),
    stop: async () => await host.stop(),
  }
}

/** A statement as the schema describes it: signed over its domain, a zero byte and the payload. */
export async function signAs(privateKey: PrivateKey, kind: string, payload: Uint8Array): Promise<SignedStatement> {
  const signed = Buffer.concat([Buffer.from(`cortex-node/${kind}/1`), Buffer.of(0), payload])
  return create(SignedStatementSchema, {
    payload,
    publicKey: publicKeyToProtobuf(privateKey.publicKey),
    signature: await privateKey.sign(signed),
  })
}

export function bytesOf<D extends DescMessage>(schema: D, message: MessageInitShape<D>): Uint8Array {
  return toBinary(schema, create(schema, message))
}

export async function readAs<D extends DescMessage>(schema: D, wire: Wire): Promise<MessageShape<D>> {
  return fromBinary(schema, (await wire.read()).subarray())
}
