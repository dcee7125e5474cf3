import type { ConnectionGater, PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { isDialled } from '../addresses/dialled.ts'
import type { Refusals } from '../bounds/refusals.ts'
import type { Penalties } from './penalties.ts'

/** What {@link createGater} works with. */
export interface GaterComponents {
  penalties: Penalties
  refusals: Refusals
  /** Open connections with a peer, or with all. */
  connections(peer?: PeerId): number
  /** Whether a part of this program asked for a connection with the peer. */
  isWanted(peer: string): boolean
  /** Whether this peer asked for connections over this relay. */
  isOwnRelay(relay: PeerId): boolean
}

/**
 * Connections up to which peers are dialled only because someone named them (discovery, and gossip neighbours that are
 * full): twice the neighbours that gossip wants. Without an end, everyone would be linked to everyone.
 */
const ENOUGH_CONNECTIONS = 16

/** One peer needs one connection; two arise when both sides dial at once, and some more while a lost one lingers. */
const MAX_CONNECTIONS_PER_PEER = 3

/** Who may connect, and which addresses that strangers name are dialled. */
export function createGater(components: GaterComponents): ConnectionGater {
  const { penalties, refusals, connections, isWanted, isOwnRelay } = components
  const isConnected = (peer: string): boolean => connections(peerIdFromString(peer)) > 0
  const refuse = (reason: string): true => {
    refusals.count(reason)
    return true
  }
  const denyPeer = (peer: PeerId): boolean => {
    if (peer.type !== 'Ed25519') return refuse('connection:key_type')
    if (penalties.isRefused(peer.toString())) return refuse('connection:refused_peer')
    return connections(peer) >= MAX_CONNECTIONS_PER_PEER ? refuse('connection:too_many') : false
  }
  return {
    denyDialPeer: (peer) => {
      const id = peer.toString()
      if (penalties.isRefused(id)) return true
      // a peer that is there over a relay is dialled to be there without it
      return !isWanted(id) && connections(peer) === 0 && connections() >= ENOUGH_CONNECTIONS
    },
    denyDialMultiaddr: (address) => !isDialled(address, isConnected),
    denyInboundEncryptedConnection: denyPeer,
    denyOutboundEncryptedConnection: denyPeer,
    filterMultiaddrForPeer: (_peer, address) => isDialled(address, isConnected),
    denyInboundRelayedConnection: (relay, peer) => {
      return isOwnRelay(relay) && !penalties.isRefused(peer.toString()) ? false : refuse('connection:relayed')
    },
  }
}
