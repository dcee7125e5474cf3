import { CODE_P2P, CODE_P2P_CIRCUIT, type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { MAX_ADDRESSES } from '../../protocol/limits.ts'
import { isDialled, isPublic, relayOf } from './addresses/dialled.ts'

/** Addresses tried for one peer. */
const MAX_TRIED = 8

/**
 * Those of a peer's addresses that are dialled, each with the peer id, so that whoever answers must prove to be it.
 *
 * @param isConnected whether there is a connection with a relay, by its peer id
 */
export function dialTargets(
  peer: string,
  addresses: string[],
  isConnected: (relay: string) => boolean = () => false,
): Multiaddr[] {
  const targets = new Map<string, Multiaddr>()
  for (const text of addresses) {
    const target = dialTarget(peer, text, isConnected)
    if (target !== undefined && targets.size < MAX_TRIED) targets.set(target.toString(), target)
  }
  return [...targets.values()]
}

/**
 * Those of a peer's own addresses that others are told: no more than a message may name, those that are good from
 * everywhere first. A machine with containers has an address for each of their networks, made after its own.
 */
export function toldAddresses(own: Multiaddr[]): string[] {
  const isForAll = (address: Multiaddr): boolean => isPublic(address) || relayOf(address) !== undefined
  return own
    .toSorted((a, b) => Number(isForAll(b)) - Number(isForAll(a)))
    .slice(0, MAX_ADDRESSES)
    .map(String)
}

/** Whether a multiaddr leads to the open internet, told by its number: a name may lead anywhere. */
export function isPublicEndpoint(address: string): boolean {
  return isPublic(multiaddr(address))
}

/** The peer id that a multiaddr ends in; undefined where it names none. */
export function peerIdOf(address: string): string | undefined {
  return targetOf(multiaddr(address))
}

function targetOf(address: Multiaddr): string | undefined {
  const last = address.getComponents().findLast(({ code }) => code === CODE_P2P || code === CODE_P2P_CIRCUIT)
  return last?.code === CODE_P2P ? last.value : undefined
}

function dialTarget(peer: string, text: string, isConnected: (relay: string) => boolean): Multiaddr | undefined {
  try {
    const address = multiaddr(text)
    const target = targetOf(address) === undefined ? address.encapsulate(`/p2p/${peer}`) : address
    return targetOf(target) === peer && isDialled(target, isConnected) ? target : undefined
  } catch {
    return undefined // a peer may name anything as its address; what is none is passed over
  }
}
