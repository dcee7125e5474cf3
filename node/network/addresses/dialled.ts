import { networkInterfaces } from 'node:os'
import type { Address } from '@libp2p/interface'
import { isLoopback, isPrivate, tryGetNetConfig } from '@libp2p/utils'
import { CODE_P2P, CODE_P2P_CIRCUIT, type Multiaddr } from '@multiformats/multiaddr'
import ipaddr from 'ipaddr.js'
import { isPublicAddress } from '../public-address.ts'
import { isNeverDialled } from './never-dialled.ts'

/**
 * Whether an address that a stranger may have named is dialled: TCP to a host, or a peer behind a relay. Not those of
 * `never-dialled.ts`; what a name resolves to is held against them when it is dialled.
 *
 * A relay that is named is dialled only at a public address: one on this machine's own networks would let a stranger
 * send us there for a third party. One that this peer is connected to needs no dialling.
 *
 * @param isConnected whether there is a connection with a relay, by its peer id
 */
export function isDialled(address: Multiaddr, isConnected: (relay: string) => boolean = () => false): boolean {
  const components = address.getComponents()
  const at = components.findIndex(({ code }) => code === CODE_P2P_CIRCUIT)
  if (at < 0) return isDirect(address)
  const [target, ...more] = components.slice(at + 1)
  if (more.length > 0 || (target !== undefined && target.code !== CODE_P2P)) return false
  const relay = address.decapsulateCode(CODE_P2P_CIRCUIT)
  const id = relayOf(address)
  if (id === undefined || id === target?.value) return false
  if (isConnected(id)) return true
  return isDirect(relay) && isPublic(relay)
}

/** Whether an address names a host of the open internet by its number. */
export function isPublic(address: Multiaddr): boolean {
  const host = tryGetNetConfig(address)?.host
  return host !== undefined && isPublicAddress(host)
}

/** The peer id of the relay that an address leads over; undefined for one that leads over none. */
export function relayOf(address: Multiaddr): string | undefined {
  const components = address.getComponents()
  const at = components.findIndex(({ code }) => code === CODE_P2P_CIRCUIT)
  const relay = at < 1 ? undefined : components[at - 1]
  return relay?.code === CODE_P2P ? relay.value : undefined
}

/** Whether a peer with these connections is there over relays alone. */
export function areRelayed(connections: { remoteAddr: Multiaddr }[]): boolean {
  return connections.every(({ remoteAddr }) => relayOf(remoteAddr) !== undefined)
}

function isDirect(address: Multiaddr): boolean {
  const [host, transport, peer, ...more] = address.getComponents()
  if (host === undefined || !/^(ip4|ip6|dns|dns4|dns6)$/.test(host.name)) return false
  if (transport?.name !== 'tcp' || (peer !== undefined && peer.code !== CODE_P2P) || more.length > 0) return false
  const target = tryGetNetConfig(address)
  if (target === null || !target.port) return false
  // a number in the place of a name is there to mislead: the system takes `0xa9fea9fe` for an address, too
  return host.name.startsWith('dns') ? !ipaddr.isValid(target.host) : !isNeverDialled(target.host)
}

/**
 * Addresses of one peer are tried one after another, and one that leads nowhere costs seconds: first those on networks
 * that this machine is in, then public ones, then relays, and private ones of elsewhere last.
 */
export function sortForDialling(a: Pick<Address, 'multiaddr'>, b: Pick<Address, 'multiaddr'>): -1 | 0 | 1 {
  const [first, second] = [rankOf(a.multiaddr), rankOf(b.multiaddr)]
  if (first === second) return 0
  return first < second ? -1 : 1
}

function rankOf(address: Multiaddr): number {
  if (relayOf(address) !== undefined) return 2
  if (!isPrivate(address)) return 1
  return isLoopback(address) || isOnOwnNetwork(address) ? 0 : 3
}

/** Whether an address is on a network that this machine is in. */
export function isOnOwnNetwork(address: Multiaddr): boolean {
  const host = tryGetNetConfig(address)?.host
  if (host === undefined || !ipaddr.isValid(host)) return false
  const wanted = ipaddr.parse(host)
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .some(({ cidr }) => {
      if (cidr === null) return false
      const [own, bits] = ipaddr.parseCIDR(cidr)
      return own.kind() === wanted.kind() && wanted.match([own, bits] as never)
    })
}
