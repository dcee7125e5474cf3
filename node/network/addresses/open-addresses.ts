import type { CircuitRelayTransportComponents } from '@libp2p/circuit-relay-v2'
import type { Connection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { isOnOwnNetwork, isPublic, relayOf } from './dialled.ts'

/** Which public addresses of its own a peer tells others; see {@link createOpenAddresses}. */
export interface OpenAddresses {
  /** Tells others of the public addresses that this machine has now. */
  confirm(): void
  /** A connection opened: where it came in from outside, others can come in as well. */
  opened(connection: Connection): void
  /** Whether somebody came in over IPv4 from outside: a firewall may shut a public address. */
  isReached(): boolean
}

/**
 * libp2p tells nobody of a public address until four peers of different networks have dialled it on request, which in a
 * small market is never. Here a public IPv4 address of the machine's own is told at once: there is no router that could
 * shut it. With IPv6 the machine's address is public behind a router that lets nobody in, too, so it is told once somebody
 * came in.
 */
export function createOpenAddresses({
  addressManager,
  transportManager,
}: Pick<CircuitRelayTransportComponents, 'addressManager' | 'transportManager'>): OpenAddresses {
  const open = { ip4: false, ip6: false }
  return {
    confirm() {
      for (const own of transportManager.getAddrs()) {
        const [host] = own.getComponents()
        if (!isPublic(own) || (host?.name !== 'ip4' && !open.ip6)) continue
        addressManager.confirmObservedAddr(own, { type: 'transport' })
      }
    },
    opened({ direction, remoteAddr }) {
      if (direction !== 'inbound' || relayOf(remoteAddr) !== undefined) return
      if (!isPublic(remoteAddr) || isOnOwnNetwork(remoteAddr)) return
      open[remoteAddr.toString().startsWith('/ip6/') ? 'ip6' : 'ip4'] = true
    },
    isReached: () => open.ip4,
  }
}

/**
 * Whether anybody can dial this peer: it has a public address, and somebody did. A firewall that drops what comes in looks
 * from within like none.
 */
export function isOpenToAll(host: { getMultiaddrs(): Multiaddr[]; services: { open: OpenAddresses } }): boolean {
  return host.services.open.isReached() && hasPublicIpv4(host.getMultiaddrs())
}

/** A router lets no IPv6 in either, unless told to. */
function hasPublicIpv4(own: Multiaddr[]): boolean {
  return own.some((address) => address.toString().startsWith('/ip4/') && !relayOf(address) && isPublic(address))
}
