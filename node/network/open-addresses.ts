import type { CircuitRelayTransportComponents } from '@libp2p/circuit-relay-v2'
import type { Connection } from '@libp2p/interface'
import { isOnOwnNetwork, isPublic } from './dialled.ts'

export interface OpenAddresses {
  /** Tells others of the public addresses that this machine has now. */
  confirm(): void
  /** A connection opened: where it came in from outside over IPv6, others can come in as well. */
  opened(connection: Connection): void
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
  let isOpenOverIpv6 = false
  return {
    confirm() {
      for (const own of transportManager.getAddrs()) {
        const [host] = own.getComponents()
        if (!isPublic(own) || (host?.name !== 'ip4' && !isOpenOverIpv6)) continue
        addressManager.confirmObservedAddr(own, { type: 'transport' })
      }
    },
    opened({ direction, remoteAddr }) {
      if (direction !== 'inbound' || !remoteAddr.toString().startsWith('/ip6/')) return
      if (isPublic(remoteAddr) && !isOnOwnNetwork(remoteAddr)) isOpenOverIpv6 = true
    },
  }
}
