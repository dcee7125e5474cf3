import type { ConnectionGater, PeerId } from '@libp2p/interface'
import { isLinkLocal, tryGetNetConfig } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Refusals } from './refusals.ts'
import type { Standing } from './standing.ts'

export interface GaterComponents {
  standing: Standing
  refusals: Refusals
  /** Open connections with a peer, or with all. */
  connections(peer?: PeerId): number
  /** Whether a part of this program asked for a connection with the peer. */
  isWanted(peer: string): boolean
}

/**
 * Connections up to which peers are dialled only because someone named them (discovery, and gossip neighbours that are
 * full): twice the neighbours that gossip wants. Without an end, everyone would be linked to everyone.
 */
const ENOUGH_CONNECTIONS = 16

/** One peer needs one connection; two arise when both sides dial at once, and some more while a lost one lingers. */
const MAX_CONNECTIONS_PER_PEER = 3

/** Who may connect, and which addresses that strangers name are dialled. */
export function createGater({ standing, refusals, connections, isWanted }: GaterComponents): ConnectionGater {
  const refuse = (reason: string): true => {
    refusals.count(reason)
    return true
  }
  const denyPeer = (peer: PeerId): boolean => {
    if (peer.type !== 'Ed25519') return refuse('connection:key_type')
    if (standing.isRefused(peer.toString())) return refuse('connection:refused_peer')
    return connections(peer) >= MAX_CONNECTIONS_PER_PEER ? refuse('connection:too_many') : false
  }
  return {
    denyDialPeer: (peer) => {
      const id = peer.toString()
      return standing.isRefused(id) || (!isWanted(id) && connections() >= ENOUGH_CONNECTIONS)
    },
    denyDialMultiaddr: (address) => !isDialled(address),
    denyInboundEncryptedConnection: denyPeer,
    denyOutboundEncryptedConnection: denyPeer,
    filterMultiaddrForPeer: (_peer, address) => isDialled(address),
  }
}

/**
 * TCP to a host, nothing else. Not the link-local range, where cloud machines keep their metadata service; other private
 * ranges are where agents on a LAN live.
 */
export function isDialled(address: Multiaddr): boolean {
  const [host, transport, peer, ...more] = address.getComponents()
  if (host === undefined || !/^(ip4|ip6|dns|dns4|dns6)$/.test(host.name)) return false
  if (transport?.name !== 'tcp' || (peer !== undefined && peer.name !== 'p2p') || more.length > 0) return false
  const target = tryGetNetConfig(address)
  if (target === null || !target.port || isLinkLocal(address)) return false
  return target.host !== '0.0.0.0' && target.host !== '::' && target.host !== '255.255.255.255'
}
