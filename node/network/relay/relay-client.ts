import {
  type CircuitRelayTransportComponents,
  circuitRelayTransport,
  RELAY_V2_HOP_CODEC,
} from '@libp2p/circuit-relay-v2'
import type { Connection, PeerId, Transport } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { Logger } from '../../logger.ts'
import { isPublic, relayOf } from '../addresses/dialled.ts'

/** Relays used besides those that this peer was told to begin with: enough that one may go. */
const MAX_OTHER_RELAYS = 2

/** Addresses told of one relay. */
const MAX_ADDRESSES_PER_RELAY = 2

/** How long after a relay had no place it is asked again, in ms. */
const RETRY_MS = 60_000

/** How long a relay may take to give a place, in ms. */
const RESERVATION_TIMEOUT_MS = 5_000

/** Relayed connections that one relay brings at a time. */
const MAX_RELAYED_PER_RELAY = 64

/** What {@link createRelayClient} is told. */
export interface RelayClientInit {
  logger: Logger
  /** Whether this peer wants to be reached over relays, now; else it only reaches others. */
  isWanted(): boolean
  /** Peers that this one was told to begin with: relays among them are always used. */
  isBootstrap(peer: string): boolean
  /** The addresses told to others are different now. */
  onChange(): void
  /** Once it aborts, no relay is asked for a place. */
  signal: AbortSignal
}

/** This peer's places at relays; see {@link createRelayClient}. */
export interface RelayClient {
  /** Dials over relays, and is dialled over those that gave a place. */
  transport(components: CircuitRelayTransportComponents): Transport
  /** A peer told what it speaks over this connection: if it is a relay that is of use, it is asked for a place. */
  met(connection: Connection, protocols: string[]): void
  /** Gives up all places: others reach this peer without. */
  leave(): void
  /** Whether this relay gave a place. */
  isOwn(relay: PeerId): boolean
  /** Where others reach this peer over relays, without its own peer id. */
  addresses(): Multiaddr[]
}

/** What the transport has besides its interface (4.2). */
interface Reservations {
  reservationStore: {
    hasReservation(peer: PeerId): boolean
    getReservation(peer: PeerId): { addrs: Uint8Array[] } | undefined
    addRelay(peer: PeerId, type: 'configured'): Promise<unknown>
    cancelReservations(): void
    addEventListener(event: 'relay:created-reservation' | 'relay:removed', callback: () => void): void
  }
}

/**
 * Holds places at relays, so that peers can reach this one behind a router. libp2p would take a place at whatever peer
 * claims to be a relay, and at each that sends it a connection: a stranger could so put itself between this peer and
 * others. Here those known from the start come first, and few others are used.
 */
export function createRelayClient(init: RelayClientInit): RelayClient {
  const { logger, isBootstrap, signal } = init
  const used = new Map<string, PeerId>()
  let store: Reservations['reservationStore'] | undefined

  const isOwn = (relay: PeerId): boolean => store?.hasReservation(relay) === true

  const mayUse = (relay: PeerId): boolean => {
    if (isBootstrap(relay.toString())) return true
    const others = [...used.values()].filter((one) => !one.equals(relay) && !isBootstrap(one.toString()))
    return others.length < MAX_OTHER_RELAYS
  }

  const reserve = async (connection: Connection): Promise<void> => {
    const relay = connection.remotePeer
    const id = relay.toString()
    if (signal.aborted || connection.status !== 'open' || used.has(id) || !init.isWanted() || !mayUse(relay)) return
    used.set(id, relay)
    try {
      await store?.addRelay(relay, 'configured')
      logger.info({ relay: id }, 'reached over a relay')
    } catch (error) {
      used.delete(id)
      logger.debug({ relay: id, reason: String(error) }, 'a relay had no place')
      setTimeout(() => void reserve(connection), RETRY_MS).unref()
    }
  }

  const changed = (): void => {
    for (const [id, relay] of used) if (!isOwn(relay)) used.delete(id)
    init.onChange()
  }

  return {
    transport(components) {
      const transport = circuitRelayTransport({
        reservationCompletionTimeout: RESERVATION_TIMEOUT_MS,
        maxInboundStopStreams: MAX_RELAYED_PER_RELAY,
        maxOutboundStopStreams: MAX_RELAYED_PER_RELAY,
        discoveryFilter: { has: () => true, add() {}, remove() {} },
      })({ ...pick(components), transportManager: withoutListening(components.transportManager) })
      store = (transport as Transport & Reservations).reservationStore
      store.addEventListener('relay:created-reservation', init.onChange)
      store.addEventListener('relay:removed', changed)
      return transport
    },

    met(connection, protocols) {
      if (!protocols.includes(RELAY_V2_HOP_CODEC)) return
      // one that dialled here shows that no relay is needed
      if (connection.direction === 'outbound' && relayOf(connection.remoteAddr) === undefined) void reserve(connection)
    },

    leave() {
      if (used.size === 0) return
      used.clear()
      // the relay keeps the place until it is not renewed, or the connection ends
      store?.cancelReservations()
      init.onChange()
    },

    isOwn,

    addresses: () => [...used.values()].flatMap((relay) => relayed(store?.getReservation(relay)?.addrs ?? [])),
  }
}

/** Public ones, where the relay has such; else the one that it was dialled at, for others on the same LAN. */
function relayed(addresses: Uint8Array[]): Multiaddr[] {
  const all = addresses.map((bytes) => multiaddr(bytes))
  const open = all.filter(isPublic)
  const told = open.length > 0 ? open.slice(0, MAX_ADDRESSES_PER_RELAY) : all.slice(0, 1)
  return told.map((address) => address.encapsulate('/p2p-circuit'))
}

/** libp2p takes a place at each relay that sends it a connection, asked or not, by listening there. */
function withoutListening(
  transportManager: CircuitRelayTransportComponents['transportManager'],
): CircuitRelayTransportComponents['transportManager'] {
  const listen = async (): Promise<never> => {
    throw new Error('Not a relay of this peer')
  }
  return Object.create(transportManager, { listen: { value: listen } })
}

/** Each by name: what libp2p gives is a proxy, which cannot be copied. */
function pick(components: CircuitRelayTransportComponents): CircuitRelayTransportComponents {
  const { peerId, peerStore, connectionManager, registrar, logger, randomWalk, events, upgrader } = components
  const { addressManager, connectionGater, transportManager } = components
  return {
    ...{ peerId, peerStore, connectionManager, registrar, logger, randomWalk, events, upgrader },
    ...{ addressManager, connectionGater, transportManager },
  }
}
