import type { Connection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { type Clock, systemClock } from '../../clock.ts'
import { createRateBudget } from '../../rate-budget.ts'
import { isPublic } from '../addresses/dialled.ts'
import { type Site, siteOf } from '../addresses/sites.ts'
import type { Refusals } from '../bounds/refusals.ts'

/** How long who came in is left alone, in ms: time to say what it came for. */
const TENURE_MS = 5_000

/**
 * Peers a second that make room for others while all places are taken. Where more honest peers than places come back
 * again and again, each costs a handshake: this many take a twentieth of a core.
 */
const DISPLACED_PER_SECOND = 5

/** Streams of the market, which somebody waits for. */
const MARKET_PROTOCOL = /^\/cortex\/[a-z]+\/\d/

/** What {@link createPlaces} works with. */
export interface PlacesComponents {
  refusals: Refusals
  clock?: Clock
  /** All that are open. */
  connections(): Connection[]
  /** Whether a peer keeps its place whatever it does: one dialled, or with a place at this relay. */
  isKept(peer: PeerId): boolean
}

/** How many may be connected. */
export interface PlacesInit {
  /** Connections at a time. */
  places: number
  /** Of those, how many for peers that come in from one public address; twice as many from its network. */
  placesPerAddress: number
}

/** Who of those that come in gets a place. */
export interface Places {
  /** Whether one more has a place, after another lost its own where that had to be. */
  admits(remote: Multiaddr): boolean
  /** A peer did something that peers are for: it asked, bid, was asked, or announced something. */
  used(peer: string): void
  /** A connection was opened. */
  opened(connection: Connection): void
  /** Nothing more is to be known of a peer. */
  left(peer: string): void
}

/**
 * Gives places to all who come in while there are some, and then to newcomers those of peers that do nothing: the longest
 * idle first, and never one that holds a stream of the market. From one public address, and from its network, no more
 * than a share comes in, and beyond it newcomers take the places of their own neighbours; in private networks and on one
 * machine everybody may well share an address, so there is no such limit.
 */
export function createPlaces(components: PlacesComponents, init: PlacesInit): Places {
  const { refusals, clock = systemClock, connections, isKept } = components
  const { places, placesPerAddress } = init
  const openedAtMs = new WeakMap<Connection, number>()
  const sites = new WeakMap<Connection, Site | null>()
  const leaving = new WeakSet<Connection>()
  const usedAtMs = new Map<string, number>()
  const rate = { own: DISPLACED_PER_SECOND, total: DISPLACED_PER_SECOND, spanMs: 1_000 }
  const displacing = createRateBudget({ clock }, rate)

  const siteOfConnection = (connection: Connection): Site | null => {
    const known = sites.get(connection)
    if (known !== undefined) return known
    const site = siteOf(connection.remoteAddr)
    sites.set(connection, site)
    return site
  }

  const isIdle = (connection: Connection): boolean =>
    connection.direction === 'inbound' &&
    !isKept(connection.remotePeer) &&
    !connection.streams.some(({ protocol }) => MARKET_PROTOCOL.test(protocol ?? '')) &&
    clock.monotonicMs() - (openedAtMs.get(connection) ?? Number.NEGATIVE_INFINITY) >= TENURE_MS

  /** Who was never of use comes first, and of those, as of the others, who has been idle for longest. */
  const rankOf = (connection: Connection): [number, number] => {
    const usedAt = usedAtMs.get(connection.remotePeer.toString())
    return usedAt === undefined ? [0, openedAtMs.get(connection) ?? 0] : [1, usedAt]
  }

  const displaceOne = (candidates: Connection[]): boolean => {
    let found: { connection: Connection; rank: [number, number] } | undefined
    for (const connection of candidates) {
      if (!isIdle(connection)) continue
      const rank = rankOf(connection)
      if (found === undefined || rank[0] < found.rank[0] || (rank[0] === found.rank[0] && rank[1] < found.rank[1])) {
        found = { connection, rank }
      }
    }
    if (found === undefined) return false
    leaving.add(found.connection)
    refusals.count('connection:displaced')
    found.connection.abort(new Error('Others need the place'))
    return true
  }

  const refuse = (reason: string): false => {
    refusals.count(reason)
    return false
  }

  return {
    admits(remote) {
      let open = connections().filter((connection) => !leaving.has(connection))
      const site = isPublic(remote) ? siteOf(remote) : null
      if (site !== null) {
        for (const [of, most] of [
          ['address', placesPerAddress],
          ['network', 2 * placesPerAddress],
        ] as const) {
          const there = open.filter(
            (connection) => connection.direction === 'inbound' && siteOfConnection(connection)?.[of] === site[of],
          )
          if (there.length < most) continue
          if (!displaceOne(there)) return refuse(`connection:${of}`)
          open = open.filter((connection) => !leaving.has(connection))
        }
      }
      if (open.length < places) return true
      return displacing.take('') === 'taken' && displaceOne(open) ? true : refuse('connection:full')
    },

    used(peer) {
      usedAtMs.delete(peer)
      usedAtMs.set(peer, clock.monotonicMs())
      // who left meanwhile
      const [oldest] = usedAtMs.keys()
      if (usedAtMs.size > 2 * places && oldest !== undefined) usedAtMs.delete(oldest)
    },

    opened(connection) {
      openedAtMs.set(connection, clock.monotonicMs())
    },

    left(peer) {
      usedAtMs.delete(peer)
    },
  }
}
