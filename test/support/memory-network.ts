/**
 * A peer-to-peer network without sockets: several peers in one process, the same order of events in every run, and links
 * that a test can drop, delay, hold or cut. Everyone is connected to everyone who can be reached.
 */

import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import type { Clock } from '../../node/clock.ts'
import { systemClock } from '../../node/clock.ts'
import type { PeerNetwork } from '../../node/network/index.ts'
import type { Topic } from '../../protocol/topics.ts'
import { createMemoryPeer, type MemoryPeerCore } from './memory-peer.ts'

/** Something about to travel from one peer to another. */
export interface Passage {
  kind: 'gossip' | 'open' | 'message'
  from: string
  to: string
  /** With `gossip`. */
  topic?: Topic
  /** With `open` and `message`. */
  protocol?: string
}

/**
 * What becomes of it: a number is a delay in ms of the hub's clock; `hold` keeps it until {@link MemoryHub.release};
 * `drop` loses a gossip message, fails an opening, and breaks the channel of a message.
 */
export type Fate = 'pass' | 'drop' | 'hold' | number

export interface MemoryHubInit {
  /** Counts delays. @default the system's clock */
  clock?: Clock
  /** May be replaced at any time. @default everything passes */
  rule?: (passage: Passage) => Fate
}

export interface MemoryPeer {
  network: PeerNetwork
  privateKey: PrivateKey
  /** Ends the peer: its channels break, nobody reaches it. With the same seed it may join again, as after a restart. */
  leave(): void
}

export interface MemoryHub {
  rule: (passage: Passage) => Fate
  /** A new peer. The same seed (0..255) or key is the same peer id. @default the next unused seed */
  join(identity?: number | PrivateKey): Promise<MemoryPeer>
  /**
   * Cuts the network: only peers of one group reach each other; peers in none stay alone. Channels across the cut break,
   * or with `stall` fall silent until {@link heal}, as TCP connections do.
   */
  partition(groups: MemoryPeer[][], channels?: 'break' | 'stall'): void
  heal(): void
  /** Lets go what the rule held, in its order; all of it, or what `which` picks. */
  release(which?: (passage: Passage) => boolean): void
  /** Gossip as an attacker sends it: `author` is believed, only what the subscribers check stands in its way. */
  inject(topic: Topic, data: Uint8Array, author: string, to?: MemoryPeer[]): void
  /** Resolves when nothing that needs no clock is on its way. */
  settled(): Promise<void>
}

/** What peers need of the hub. */
export interface Fabric {
  clock: Clock
  peers: Map<string, MemoryPeerCore>
  reachable(from: string, to: string): boolean
  /** Resolves when the passage has arrived; rejects where it is lost. */
  travel(passage: Passage): Promise<void>
  /** As {@link travel} for what waits at a cut where channels stall. */
  travelOrStall(passage: Passage): Promise<void>
  gossip(topic: Topic, data: Uint8Array, author: string, from: string, seen: Set<string>): void
}

class LostError extends Error {
  override readonly name = 'LostError'
}

export function createMemoryHub(init: MemoryHubInit = {}): MemoryHub {
  const clock = init.clock ?? systemClock
  const held: { passage: Passage; go: () => void }[] = []
  let stalled: (() => void)[] = []
  let groups: Set<string>[] | undefined
  let onCut: 'break' | 'stall' = 'break'
  let nextSeed = 0
  let onTheWay = 0
  let idle = Promise.withResolvers<void>()

  const fabric: Fabric = {
    clock,
    peers: new Map(),

    reachable: (from, to) =>
      fabric.peers.has(from) &&
      fabric.peers.has(to) &&
      (groups === undefined || groups.some((group) => group.has(from) && group.has(to))),

    async travel(passage) {
      if (!fabric.reachable(passage.from, passage.to)) throw new LostError('There is no way to this peer')
      const fate = hub.rule(passage)
      if (fate === 'drop') throw new LostError('Dropped by the rule')
      if (fate === 'hold') await new Promise<void>((go) => held.push({ passage, go }))
      else if (typeof fate === 'number') await clock.sleep(fate)
      else await underway(Promise.resolve())
      if (!fabric.reachable(passage.from, passage.to)) throw new LostError('There is no way to this peer any more')
    },

    async travelOrStall(passage) {
      while (onCut === 'stall' && fabric.peers.has(passage.to) && !fabric.reachable(passage.from, passage.to)) {
        await new Promise<void>((go) => stalled.push(go))
      }
      await fabric.travel(passage)
    },

    gossip(topic, data, author, from, seen) {
      for (const [to, peer] of fabric.peers) {
        if (seen.has(to)) continue
        fabric.travel({ kind: 'gossip', from, to, topic }).then(
          () => {
            if (seen.has(to)) return
            seen.add(to)
            void underway(hearAndPassOn(peer, topic, data, author, seen))
          },
          () => {}, // gossip that is lost is lost
        )
      }
    },
  }

  const hearAndPassOn = async (
    peer: MemoryPeerCore,
    topic: Topic,
    data: Uint8Array,
    author: string,
    seen: Set<string>,
  ): Promise<void> => {
    if (await peer.hear(topic, data, author)) fabric.gossip(topic, data, author, peer.network.peerId, seen)
  }

  const underway = async (work: Promise<void>): Promise<void> => {
    onTheWay += 1
    try {
      await work
    } finally {
      onTheWay -= 1
      if (onTheWay === 0) {
        idle.resolve()
        idle = Promise.withResolvers()
      }
    }
  }

  const introduce = (): void => {
    for (const peer of fabric.peers.values()) peer.meet()
  }

  const hub: MemoryHub = {
    rule: init.rule ?? (() => 'pass'),

    async join(identity) {
      const privateKey = typeof identity === 'object' ? identity : await keyOfSeed(identity ?? nextSeed)
      if (identity === undefined) nextSeed += 1
      const peerId = peerIdFromPrivateKey(privateKey).toString()
      if (fabric.peers.has(peerId)) throw new Error(`${peerId} has joined already`)
      const core = createMemoryPeer(fabric, peerId)
      fabric.peers.set(peerId, core)
      introduce()
      return {
        network: core.network,
        privateKey,
        leave: () => {
          if (fabric.peers.get(peerId) !== core) return
          fabric.peers.delete(peerId)
          core.loseAll('The peer has left')
          for (const peer of fabric.peers.values()) peer.forget(peerId)
        },
      }
    },

    partition(next, channels = 'break') {
      groups = next.map((group) => new Set(group.map(({ network }) => network.peerId)))
      onCut = channels
      for (const peer of fabric.peers.values()) peer.cut(channels)
    },

    heal() {
      groups = undefined
      const waiting = stalled
      stalled = []
      for (const go of waiting) go()
      introduce()
    },

    release(which = () => true) {
      for (const item of held.splice(0)) {
        if (which(item.passage)) item.go()
        else held.push(item)
      }
    },

    inject(topic, data, author, to) {
      const targets = new Set((to ?? []).map(({ network }) => network.peerId))
      const seen = new Set<string>([author])
      for (const [id, peer] of fabric.peers) {
        if (id === author || (to !== undefined && !targets.has(id))) continue
        seen.add(id)
        void underway(hearAndPassOn(peer, topic, data, author, seen))
      }
    },

    async settled() {
      while (true) {
        // work that just ended may be about to start more: look again after everything queued has run
        await new Promise<void>((resolve) => setImmediate(resolve))
        if (onTheWay === 0) return
        await idle.promise
      }
    },
  }
  return hub
}

async function keyOfSeed(seed: number): Promise<PrivateKey> {
  return await generateKeyPairFromSeed('Ed25519', new Uint8Array(32).fill(seed))
}
