/** A peer that keeps to no rule: written straight on libp2p, so that it can send what our own code never would. */

import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import { generateKeyPair, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import { RPC } from '@libp2p/gossipsub/message'
import { identify } from '@libp2p/identify'
import type { Connection, PrivateKey, Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { encode } from 'it-length-prefixed'
import { createLibp2p } from 'libp2p'
import type { Libp2pNetwork } from '../../node/network/libp2p-network.ts'

const GOSSIP = '/meshsub/1.1.0'

export type GossipMessage = RPC.Message

export interface HostilePeer {
  peerId: string
  privateKey: PrivateKey
  /** A message with everything right, so that a test spoils one thing. */
  message(topic: 'requests' | 'announcements', data: Uint8Array, spoil?: Spoil): Promise<GossipMessage>
  /** Sends gossip messages, in one frame. */
  send(...messages: GossipMessage[]): void
  /** Sends bytes as a frame of gossip. */
  sendFrame(bytes: Uint8Array): void
  /** Opens a stream of any protocol. */
  openStream(protocol: string): Promise<Stream>
  /** Whether the victim still talks to it. */
  isConnected(): boolean
  disconnect(): Promise<void>
  /** Connects anew; rejects where the victim refuses. */
  connect(): Promise<void>
}

export interface Spoil {
  /** Whose message it claims to be. */
  from?: Uint8Array
  /** Signs in place of the own key. */
  signer?: PrivateKey
  seqno?: Uint8Array | undefined
  /** Added to the message after it was signed. */
  after?: Partial<GossipMessage>
}

/** Starts a hostile peer connected to its victim. @param keyType @default "Ed25519" */
export async function startHostilePeer(
  test: TestContext,
  victim: Libp2pNetwork,
  keyType: 'Ed25519' | 'secp256k1' = 'Ed25519',
): Promise<HostilePeer> {
  const privateKey = keyType === 'Ed25519' ? await generateKeyPair('Ed25519') : await generateKeyPair('secp256k1')
  const host = await createLibp2p({
    privateKey,
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() },
  })
  test.after(() => host.stop())
  // it listens to what it is sent, as a peer must to be taken for one, and does nothing with it
  await host.handle(GOSSIP, () => {}, { maxInboundStreams: 10 })
  let connection: Connection | undefined
  let stream: Stream | undefined

  const connect = async (): Promise<void> => {
    connection = await host.dial(victim.addresses().map((address) => multiaddr(address)))
    stream = await connection.newStream(GOSSIP)
  }
  const sendFrame = (bytes: Uint8Array): void => {
    stream?.send(encode.single(bytes, { maxDataLength: 64 * 1024 * 1024 }))
  }
  if (keyType === 'Ed25519') await connect()

  return {
    peerId: peerIdFromPrivateKey(privateKey).toString(),
    privateKey,
    connect,
    disconnect: async () => await connection?.close(),
    sendFrame,
    isConnected: () => connection?.status === 'open',
    send: (...messages) => sendFrame(RPC.encode({ subscriptions: [], messages })),
    message: async (topic, data, spoil = {}) => await signedMessage(privateKey, `/cortex/1/test/${topic}`, data, spoil),
    openStream: async (protocol) => {
      if (connection === undefined) throw new Error('Not connected')
      return await connection.newStream(protocol)
    },
  }
}

async function signedMessage(
  privateKey: PrivateKey,
  topic: string,
  data: Uint8Array,
  spoil: Spoil,
): Promise<GossipMessage> {
  const { from = peerIdFromPrivateKey(privateKey).toMultihash().bytes, signer = privateKey, after = {} } = spoil
  const seqno = 'seqno' in spoil ? spoil.seqno : randomBytes(8)
  const content = { from, data, topic, ...(seqno === undefined ? {} : { seqno }) }
  const signed = Buffer.concat([Buffer.from('libp2p-pubsub:'), RPC.Message.encode(content)])
  const signature = await signer.sign(signed)
  return { ...content, signature, key: publicKeyToProtobuf(signer.publicKey), ...after }
}
