import { tryGetNetConfig } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import ipaddr from 'ipaddr.js'
import { relayOf } from './dialled.ts'

/** Where a peer is, as far as its address tells: whoever is there may be one and the same. */
export interface Site {
  /** What one household or machine shares: an address of IPv4, or the first 64 bits of IPv6. */
  address: string
  /** What a provider gives out at once: the first 24 bits of IPv4, or 48 of IPv6. */
  network: string
}

/** Null for a relay's connections: their address is the relay's, and says nothing of the peer. */
export function siteOf(remote: Multiaddr): Site | null {
  const host = tryGetNetConfig(remote)?.host
  if (host === undefined || !ipaddr.isValid(host) || relayOf(remote) !== undefined) return null
  const address = ipaddr.process(host)
  const bytes = address.toByteArray()
  const first = (count: number): string => `${address.kind()}:${bytes.slice(0, count).join('.')}`
  return address.kind() === 'ipv4' ? { address: first(4), network: first(3) } : { address: first(8), network: first(6) }
}
