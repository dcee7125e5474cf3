/** A network on a simulated clock: peers that work one message after the other, and links that take their time. */

import { createHash } from 'node:crypto'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import type { Clock } from '../../node/clock.ts'
import { createRefusals, type Refusals } from '../../node/network/bounds/refusals.ts'
import { createPenalties, type Penalties } from '../../node/network/connections/penalties.ts'
import { judge } from '../../node/network/gossip/verdict.ts'
import {
  type ChannelHandler,
  type HandleOptions,
  type PeerNetwork,
  PeerUnreachableError,
  type TopicSubscriber,
} from '../../node/network/index.ts'
import type { Topic } from '../../protocol/topics.ts'
import { createChannelPair } from '../../test/support/memory-channel.ts'

export interface TimedInit {
  clock: Clock
  /** What one message costs the peer that it reaches, in ms; it works on one at a time. */
  perMessageMs: number
  /** One way, in ms: evenly between `meanMs - spreadMs` and `meanMs + spreadMs`, the same for a pair whoever else is there. */
  link: { meanMs: number; spreadMs: number }
  random: () => number
}

/** Streams one peer may have open, where the handler of a protocol does not say. */
const DEFAULT_INBOUND_STREAMS = 32

interface Peer {
  handlers: Map<string, { handler: ChannelHandler; options: HandleOptions }>
  subscribers: Map<Topic, TopicSubscriber>
  connected: Set<string>
  busyUntilMs: number
  /** Open streams by peer and protocol. */
  streams: Map<string, number>
  refusals: Refusals
  penalties: Penalties
}

/** Round trips before a new connection can be used: TCP, choice and handshake of the encryption, choice of the muxer. */
const DIAL_ROUND_TRIPS = 4
/** Neighbours that a newcomer is connected with. */
const NEIGHBOURS = 12
/** Gossip reaches everybody over so many links. */
const gossipHops = (peers: number): number => Math.max(1, Math.ceil(Math.log(peers) / Math.log(8)))

function countersOf(own: Peer, peers: number): ReturnType<PeerNetwork['counters']> {
  const listeners = Math.min(8, peers - 1)
  return {
    peers: own.connected.size,
    published: 0,
    delivered: 0,
    heard: { announcements: 0, requests: 0 },
    refused: own.refusals.totals(),
    relayed: 0,
    listeners: { announcements: listeners, requests: listeners },
  }
}

export function createTimedNetwork({ clock, perMessageMs, link, random }: TimedInit) {
  const peers = new Map<string, Peer>()
  const delays = new Map<string, number>()

  const between = (a: string, b: string): number => {
    const key = a < b ? `${a} ${b}` : `${b} ${a}`
    const known = delays.get(key)
    if (known !== undefined) return known
    const ms = link.meanMs + (2 * shareOf(key) - 1) * link.spreadMs
    delays.set(key, ms)
    return ms
  }
  const arrive = async (from: string, to: string, links = 1): Promise<void> => {
    await clock.sleep(between(from, to) * links)
    const peer = peers.get(to)
    if (peer === undefined) throw new PeerUnreachableError('It is gone')
    peer.busyUntilMs = Math.max(clock.monotonicMs(), peer.busyUntilMs) + perMessageMs
    await clock.sleep(peer.busyUntilMs - clock.monotonicMs())
  }
  const standingOf = () => {
    const refusals = createRefusals()
    return { streams: new Map<string, number>(), refusals, penalties: createPenalties({ clock, refusals }) }
  }
  /** Counts a stream of a peer until its end; false where that peer has too many, or is refused. */
  const admit = (peer: Peer, from: string, protocol: string, most: number): boolean => {
    const name = `${from} ${protocol}`
    const open = peer.streams.get(name) ?? 0
    if (peer.penalties.isRefused(from) || open >= most) {
      peer.refusals.count('stream')
      return false
    }
    peer.streams.set(name, open + 1)
    return true
  }
  const leave = (peer: Peer, from: string, protocol: string): void => {
    const name = `${from} ${protocol}`
    peer.streams.set(name, (peer.streams.get(name) ?? 1) - 1)
  }
  const penalise = (own: Peer, peer: string, reason: string): void => {
    own.refusals.count(`penalty:${reason}`)
    own.penalties.penalise(peer)
  }
  const connect = (a: string, b: string): void => {
    peers.get(a)?.connected.add(b)
    peers.get(b)?.connected.add(a)
  }

  return {
    join(privateKey: PrivateKey): PeerNetwork {
      const peerId = peerIdFromPrivateKey(privateKey).toString()
      const own: Peer = {
        handlers: new Map(),
        subscribers: new Map(),
        connected: new Set(),
        busyUntilMs: 0,
        ...standingOf(),
      }
      const others = [...peers.keys()]
      peers.set(peerId, own)
      for (let i = 0; i < NEIGHBOURS && others.length > 0; i += 1) {
        connect(peerId, others.splice(Math.floor(random() * others.length), 1)[0] as string)
      }
      const neighbours = (): string[] => [...own.connected]
      return {
        peerId,
        addresses: () => [`/ip4/127.0.0.1/tcp/4001/p2p/${peerId}`],
        onAddresses: () => undefined,
        peers: neighbours,
        onPeer: () => undefined,
        penalise: (peer, reason) => penalise(own, peer, reason),
        latencyMs: (peer) => (own.connected.has(peer) ? 2 * between(peerId, peer) : null),
        counters: () => countersOf(own, peers.size),
        traffic: () => [],
        async publish(topic, data) {
          const hear = async (id: string, peer: Peer): Promise<void> => {
            await arrive(peerId, id, gossipHops(peers.size))
            const subscriber = peer.subscribers.get(topic)
            if (subscriber === undefined || peer.penalties.isRefused(peerId)) return
            const { verdict, reason } = await judge(subscriber, data, peerId)
            if (verdict === 'accept') subscriber.deliver(data, peerId)
            else if (verdict === 'reject') penalise(peer, peerId, `gossip: ${reason}`)
          }
          for (const [id, peer] of peers) if (id !== peerId) void hear(id, peer)
        },
        subscribe: (topic, subscriber) => void own.subscribers.set(topic, subscriber),
        async connect(to, options) {
          if (own.connected.has(to)) return
          await clock.sleep(2 * DIAL_ROUND_TRIPS * between(peerId, to), options.signal)
          connect(peerId, to)
        },
        async open(to, protocol, options) {
          await this.connect(to, options)
          // the protocol is agreed on before anything is said
          await arrive(peerId, to)
          await arrive(to, peerId)
          const target = peers.get(to)
          const taken = target?.handlers.get(protocol)
          if (target === undefined || taken === undefined)
            throw new PeerUnreachableError(`It does not speak ${protocol}`)
          if (!admit(target, peerId, protocol, taken.options.maxInboundStreams ?? DEFAULT_INBOUND_STREAMS)) {
            throw new PeerUnreachableError('It takes no more streams')
          }
          const carry = (from: string, end: string) => ({ carry: () => arrive(from, end), tooLong: () => undefined })
          const limits: [number, number] = [options.maxMessageBytes, taken.options.maxMessageBytes]
          const [near, far] = createChannelPair(limits, [carry(peerId, to), carry(to, peerId)])
          void far.closed.then(() => leave(target, peerId, protocol))
          options.signal?.addEventListener('abort', () => near.abort(options.signal?.reason), { once: true })
          taken.handler(far, peerId).catch((error: unknown) => far.abort(error as Error))
          return near
        },
        handle: (protocol, handler, options = { maxMessageBytes: 64 * 1024 }) =>
          void own.handlers.set(protocol, { handler, options }),
      }
    },
  }
}

/** A number from 0 up to 1 that is always the same for a text, and evenly spread. */
function shareOf(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE() / 2 ** 32
}
