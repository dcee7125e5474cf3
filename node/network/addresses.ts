import { CODE_P2P, type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { isDialled } from './gater.ts'

/** Addresses tried for one peer. */
const MAX_TRIED = 8

/** Those of a peer's addresses that are dialled, each with the peer id, so that whoever answers must prove to be it. */
export function dialTargets(peer: string, addresses: string[]): Multiaddr[] {
  const targets = new Map<string, Multiaddr>()
  for (const text of addresses) {
    const target = dialTarget(peer, text)
    if (target !== undefined && targets.size < MAX_TRIED) targets.set(target.toString(), target)
  }
  return [...targets.values()]
}

/** The peer id that a multiaddr ends in; undefined where it names none. */
export function peerIdOf(address: string): string | undefined {
  return multiaddr(address)
    .getComponents()
    .find(({ code }) => code === CODE_P2P)?.value
}

function dialTarget(peer: string, text: string): Multiaddr | undefined {
  try {
    const address = multiaddr(text)
    if (!isDialled(address)) return undefined
    const named = address.getComponents().find(({ code }) => code === CODE_P2P)?.value
    if (named === undefined) return address.encapsulate(`/p2p/${peer}`)
    return named === peer ? address : undefined
  } catch {
    return undefined // a peer may name anything as its address; what is none is passed over
  }
}
