import { type CircuitRelayService, circuitRelayServer } from '@libp2p/circuit-relay-v2'
import type { Connection, ConnectionGater, PeerId } from '@libp2p/interface'
import { RateLimiter } from '@libp2p/utils'
import { siteOf } from '../addresses/sites.ts'
import type { Refusals } from '../bounds/refusals.ts'
import type { RelayLimits } from '../relay-limits.ts'

/** How long a place is kept without being asked for again, in ms; peers ask again five minutes before. */
const RESERVATION_MS = 30 * 60_000

/** How long a peer may take to say what it wants, and the other end to agree, in ms. */
const HOP_TIMEOUT_MS = 10_000

/** Places for peers of one address (IPv4) or one site (the first 64 bits of IPv6): many machines may share a NAT. */
const MAX_RESERVATIONS_PER_SITE = 32

/** Relayed connections to and from one peer at a time. */
const MAX_CONNECTIONS_PER_PEER = 64

/** New ones a minute that one peer asks for: as many as it may have at once. */
const CONNECTIONS_PER_MINUTE_AND_PEER = 64

/** libp2p's relay, held to these limits; who may use it is {@link createRelayGuard}'s to say. */
export function createRelayServer(limits: RelayLimits): ReturnType<typeof circuitRelayServer> {
  return circuitRelayServer({
    hopTimeout: HOP_TIMEOUT_MS,
    maxInboundHopStreams: MAX_CONNECTIONS_PER_PEER,
    maxOutboundStopStreams: MAX_CONNECTIONS_PER_PEER,
    reservations: {
      maxReservations: limits.maxReservations,
      reservationTtl: RESERVATION_MS,
      defaultDurationLimit: limits.maxDurationMs,
      defaultDataLimit: BigInt(limits.maxBytes),
    },
  })
}

/** What {@link createRelayGuard} works with. */
export interface RelayGuardComponents {
  refusals: Refusals
  /** Whether a peer is refused for what it did. */
  isRefused(peer: string): boolean
  connections(peer: PeerId): Connection[]
  /** The running relay; undefined while there is none. */
  service(): CircuitRelayService | undefined
}

/** Who gets a place at this relay, and who is connected by it. */
export function createRelayGuard(
  { refusals, isRefused, connections, service }: RelayGuardComponents,
  limits: RelayLimits,
): {
  gater: Pick<ConnectionGater, 'denyInboundRelayReservation' | 'denyOutboundRelayedConnection'>
  /** Gives up the place of a peer that has gone, or strangers could fill the relay with peers that come and go. */
  left(peer: PeerId): void
} {
  const ofAll = new RateLimiter({ points: limits.connectionsPerMinute, duration: 60 })
  const ofEach = new RateLimiter({ points: CONNECTIONS_PER_MINUTE_AND_PEER, duration: 60 })
  const refuse = (reason: string): true => {
    refusals.count(reason)
    return true
  }
  const sitesOf = (peer: PeerId): string[] =>
    connections(peer).map(({ remoteAddr }) => siteOf(remoteAddr)?.address ?? '')
  const gater: ReturnType<typeof createRelayGuard>['gater'] = {
    denyInboundRelayReservation(peer) {
      const reservations = service()?.reservations
      if (reservations === undefined || isRefused(peer.toString())) return refuse('relay:refused_peer')
      if (reservations.has(peer)) return false
      const sites = sitesOf(peer)
      const others = [...reservations.keys()].filter((other) => sitesOf(other).some((site) => sites.includes(site)))
      return others.length >= MAX_RESERVATIONS_PER_SITE ? refuse('relay:reservations') : false
    },
    denyOutboundRelayedConnection(source, destination) {
      if (isRefused(source.toString()) || isRefused(destination.toString())) return refuse('relay:refused_peer')
      return takes(ofEach, source.toString()) && takes(ofAll, '') ? false : refuse('relay:connections')
    },
  }
  return {
    gater,
    left(peer) {
      const reservations = service()?.reservations
      reservations?.get(peer)?.signal.clear()
      reservations?.delete(peer)
    },
  }
}

function takes(limiter: RateLimiter, key: string): boolean {
  try {
    limiter.consume(key)
    return true
  } catch {
    return false // the limiter has no other way to say so
  }
}
