import { orAborted } from '../../node/abort.ts'
import { deadline } from '../../node/deadline.ts'
import { createRefusals } from '../../node/network/bounds/refusals.ts'
import { judge } from '../../node/network/gossip/verdict.ts'
import {
  type Channel,
  type ChannelHandler,
  type HandleOptions,
  type OpenOptions,
  type PeerNetwork,
  PeerUnreachableError,
  type TopicSubscriber,
} from '../../node/network/index.ts'
import { MAX_GOSSIP_BYTES } from '../../protocol/limits.ts'
import type { Topic } from '../../protocol/topics.ts'
import { createChannelPair, type MemoryEnd } from './memory-channel.ts'
import type { Fabric } from './memory-network.ts'

/** Breaches after which a peer is refused, as in the real network. */
const MAX_PENALTIES = 5

/** How long an opening may take, in ms of the hub's clock, as in the real network. */
const OPEN_TIMEOUT_MS = 10_000

/** One peer as its neighbours and the hub see it. */
export interface MemoryPeerCore {
  network: PeerNetwork
  /** Checks and delivers gossip; whether it goes on from here. */
  hear(topic: Topic, data: Uint8Array, author: string): Promise<boolean>
  /** Takes a stream; undefined where the protocol is not spoken or the peer takes no more. */
  accept(from: string, protocol: string): { options: HandleOptions; start(end: MemoryEnd): void } | undefined
  protocols(): string[]
  /** Tells of peers that are reachable and were not met yet. */
  meet(): void
  forget(peer: string): void
  cut(channels: 'break' | 'stall'): void
  loseAll(reason: string): void
}

export function createMemoryPeer(fabric: Fabric, peerId: string): MemoryPeerCore {
  const subscribers = new Map<Topic, TopicSubscriber>()
  const handlers = new Map<string, { handler: ChannelHandler; options: HandleOptions }>()
  const callbacks = new Set<(peer: string, protocols: string[]) => void>()
  const met = new Map<string, string[]>()
  const ends = new Map<MemoryEnd, { peer: string; protocol: string; inbound: boolean }>()
  const penalties = new Map<string, number>()
  const refusals = createRefusals()
  const totals = { published: 0, delivered: 0 }
  const heard = { announcements: 0, requests: 0 }

  const neighbours = (): string[] =>
    [...fabric.peers.keys()].filter((peer) => peer !== peerId && fabric.reachable(peerId, peer))

  const track = (end: MemoryEnd, entry: { peer: string; protocol: string; inbound: boolean }): void => {
    ends.set(end, entry)
    void end.closed.then(() => ends.delete(end))
  }

  const meet = (): void => {
    for (const peer of neighbours()) {
      const protocols = fabric.peers.get(peer)?.protocols() ?? []
      if (met.get(peer)?.length === protocols.length) continue
      met.set(peer, protocols)
      for (const callback of callbacks) callback(peer, protocols)
    }
  }

  const open = async (peer: string, protocol: string, options: OpenOptions): Promise<Channel> => {
    await fabric.travel({ kind: 'open', from: peerId, to: peer, protocol })
    const taken = fabric.peers.get(peer)?.accept(peerId, protocol)
    if (taken === undefined) throw new Error('The peer does not take this stream')
    const link = (from: string, to: string) => ({
      carry: () => fabric.travelOrStall({ kind: 'message', from, to, protocol }),
      tooLong: () => fabric.peers.get(to)?.network.penalise(from, 'message: TOO_LARGE'),
    })
    const limits: [number, number] = [options.maxMessageBytes, taken.options.maxMessageBytes]
    const [own, other] = createChannelPair(limits, [link(peerId, peer), link(peer, peerId)])
    track(own, { peer, protocol, inbound: false })
    options.signal?.addEventListener('abort', () => own.abort(options.signal?.reason), { once: true })
    taken.start(other)
    return own
  }

  const network: PeerNetwork = {
    peerId,
    addresses: () => [`/ip4/127.0.0.1/tcp/4001/p2p/${peerId}`],
    onAddresses() {}, // it has one for ever
    peers: neighbours,
    latencyMs: () => null,
    counters: () => {
      const peers = neighbours().length
      return {
        peers,
        relayed: 0,
        listeners: { announcements: peers, requests: peers },
        ...totals,
        heard: { ...heard },
        refused: refusals.totals(),
      }
    },

    traffic: () => [],

    async publish(topic, data) {
      if (data.length > MAX_GOSSIP_BYTES) throw new RangeError(`A gossip message has at most ${MAX_GOSSIP_BYTES} bytes`)
      totals.published += 1
      fabric.gossip(topic, Uint8Array.from(data), peerId, peerId, new Set([peerId]))
    },

    subscribe(topic, subscriber) {
      if (subscribers.has(topic)) throw new Error(`Someone has subscribed to ${topic} already`)
      subscribers.set(topic, subscriber)
    },

    connect: async () => {},

    async open(peer, protocol, options) {
      options.signal?.throwIfAborted()
      const limit = deadline(fabric.clock, options.timeoutMs ?? OPEN_TIMEOUT_MS, options.signal)
      const opening = open(peer, protocol, options)
      try {
        return await orAborted(opening, limit.signal)
      } catch (cause) {
        // one that comes too late is nobody's
        opening.then((channel) => channel.abort(new Error('Opened too late'))).catch(() => {})
        options.signal?.throwIfAborted()
        const isOlder = fabric.peers.get(peer)?.protocols().includes(protocol) === false
        throw new PeerUnreachableError(`Peer ${peer} cannot be reached for ${protocol}`, { cause, isOlder })
      } finally {
        limit.clear()
      }
    },

    handle(protocol, handler, options = { maxMessageBytes: 64 * 1024 }) {
      handlers.set(protocol, { handler, options })
      for (const peer of neighbours()) fabric.peers.get(peer)?.meet()
    },

    onPeer(callback) {
      callbacks.add(callback)
      for (const [peer, protocols] of met) callback(peer, protocols)
    },

    penalise(peer, reason) {
      refusals.count(`penalty:${reason}`)
      const count = (penalties.get(peer) ?? 0) + 1
      penalties.set(peer, count)
      if (count !== MAX_PENALTIES) return
      refusals.count('peer_refused')
      for (const [end, entry] of ends) if (entry.peer === peer) end.abort(new Error('This peer is refused'))
    },
  }

  return {
    network,
    meet,
    protocols: () => [...handlers.keys()],

    async hear(topic, data, author) {
      const subscriber = subscribers.get(topic)
      if (subscriber === undefined) return true // the real network relays what nobody here reads
      const { verdict, reason, fault } = await judge(subscriber, data, author)
      if (reason !== null) refusals.count(reason)
      if (fault !== undefined) throw fault
      if (verdict !== 'accept') return false
      totals.delivered += 1
      heard[topic] += 1
      subscriber.deliver(data, author)
      return true
    },

    accept(from, protocol) {
      const entry = handlers.get(protocol)
      if (entry === undefined || (penalties.get(from) ?? 0) >= MAX_PENALTIES) return undefined
      const open = [...ends.values()].filter((end) => end.inbound && end.peer === from && end.protocol === protocol)
      if (open.length >= (entry.options.maxInboundStreams ?? 32)) return undefined
      return {
        options: entry.options,
        start(end) {
          track(end, { peer: from, protocol, inbound: true })
          entry.handler(end, from).catch((error: unknown) => {
            end.abort(error instanceof Error ? error : new Error(String(error)))
          })
        },
      }
    },

    forget(peer) {
      met.delete(peer)
      for (const [end, entry] of ends) if (entry.peer === peer) end.lose('The connection was lost')
    },

    cut(channels) {
      for (const peer of met.keys()) if (!fabric.reachable(peerId, peer)) met.delete(peer)
      if (channels === 'stall') return
      for (const [end, { peer }] of ends) if (!fabric.reachable(peerId, peer)) end.lose('The connection was lost')
    },

    loseAll(reason) {
      for (const end of ends.keys()) end.lose(reason)
      met.clear()
    },
  }
}
