import type { Channel, PeerNetwork } from '../../../node/network/index.ts'
import type { Topic } from '../../../protocol/topics.ts'
import { type Life, never } from './life.ts'

/** Hears what a process says and is told, as it happens. */
export interface Tap {
  published?(topic: Topic, data: Uint8Array): void
  /** A stream that this process opens: what it sends, and whether that failed. */
  opened?(protocol: string, peer: string): ChannelTap
  /** A stream that others open to it. */
  answered?(protocol: string, peer: string): ChannelTap
}

export interface ChannelTap {
  sent?(message: Uint8Array): void
  received?(message: Uint8Array): void
  /** It could not be opened, or a message could not be sent. */
  failed?(): void
}

/** A process's network, which goes silent with it. */
export function mortalNetwork(network: PeerNetwork, life: Life, tap: Tap = {}): PeerNetwork {
  return {
    peerId: network.peerId,
    addresses: () => network.addresses(),
    onAddresses: network.onAddresses,
    peers: () => network.peers(),
    latencyMs: (peer) => network.latencyMs(peer),
    counters: () => network.counters(),
    traffic: () => network.traffic(),
    penalise: (peer, reason) => network.penalise(peer, reason),
    onPeer: (callback) => network.onPeer(callback),
    subscribe: (topic, subscriber) => network.subscribe(topic, subscriber),

    async publish(topic, data) {
      if (!life.act()) return await never()
      tap.published?.(topic, data)
      await network.publish(topic, data)
    },

    async connect(peer, options) {
      if (!life.act()) return await never()
      await network.connect(peer, options)
    },

    async open(peer, protocol, options) {
      if (!life.act()) return await never()
      const own = tap.opened?.(protocol, peer) ?? {}
      try {
        const channel = await network.open(peer, protocol, options)
        return life.alive ? mortalChannel(channel, life, own) : await never()
      } catch (error) {
        if (!life.alive) return await never()
        own.failed?.()
        throw error
      }
    },

    handle(protocol, handler, options) {
      network.handle(
        protocol,
        async (channel, peer) => {
          if (!life.alive) return await never()
          await handler(mortalChannel(channel, life, tap.answered?.(protocol, peer) ?? {}), peer)
        },
        options,
      )
    },
  }
}

function mortalChannel(channel: Channel, life: Life, tap: ChannelTap): Channel {
  return {
    async send(message) {
      if (!life.act()) return await never()
      tap.sent?.(message)
      try {
        await channel.send(message)
      } catch (error) {
        tap.failed?.()
        throw error
      }
    },
    async receive(options) {
      try {
        const message = await channel.receive(options)
        if (!life.alive) return await never()
        if (message !== null) tap.received?.(message)
        return message
      } catch (error) {
        if (!life.alive) return await never()
        throw error
      }
    },
    close: async () => (life.alive ? await channel.close() : await never()),
    abort: (reason) => {
      if (life.alive) channel.abort(reason)
    },
  }
}
