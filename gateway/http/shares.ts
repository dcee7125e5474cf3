import { type GatewayContext, remoteAddress } from './context.ts'
import { GatewayError } from './errors.ts'
import type { Principal } from './principal.ts'
import { siteOf } from './site.ts'

/** How many of something may be open at a time: on behalf of one key, of one owner, from one address, and in all. */
export interface ShareLimits {
  key: number
  owner: number
  address: number
  all: number
}

/** What may be open at a time, shared out so that one tenant leaves room for the others. */
export interface Shares {
  /**
   * Takes one place.
   * @returns how to give it back; may be called again
   * @throws {GatewayError} RATE_LIMIT_EXCEEDED, saying whose places are taken
   */
  take(c: GatewayContext, principal: Sharer): () => void
  /** Takes places little by little, such as bytes as they come. @param principal null where nobody is signed in */
  open(c: GatewayContext, principal: Sharer | null): Share
  /** As {@link take}, for what is no request. @param site see `siteOf` */
  takeFrom(site: string, principal: Sharer): () => void
  /** How many are taken in all. */
  size(): number
}

type Sharer = Pick<Principal, 'keyId' | 'owner'>

/** What one request has of them. */
export interface Share {
  /** @throws {GatewayError} RATE_LIMIT_EXCEEDED, saying whose places are taken */
  add(amount: number): void
  /** Gives all of it back; may be called again. */
  release(): void
}

/** @param what as errors name it, e.g. `event streams and sockets` */
export function createShares(what: string, limits: ShareLimits): Shares {
  const taken = new Map<string, number>()
  const count = (name: string): number => taken.get(name) ?? 0

  function change(name: string, by: number): void {
    const now = count(name) + by
    if (now > 0) taken.set(name, now)
    else taken.delete(name)
  }

  function openFrom(address: string, principal: Sharer | null): Share {
    // Who is nobody yet shares with nobody but those at the same address.
    const { keyId, owner } = principal ?? { keyId: `none, at ${address}`, owner: `none, at ${address}` }
    const places: [name: string, limit: number, whose: string][] = [
      [`key ${keyId}`, limits.key, 'with this key'],
      [`owner ${owner}`, limits.owner, 'of this owner'],
      [`address ${address}`, limits.address, 'from this address'],
      ['all', limits.all, 'at this gateway'],
    ]
    let held = 0
    return {
      add(amount) {
        for (const [name, limit, whose] of places) {
          if (count(name) + amount <= limit) continue
          const message = `${limit} ${what} are open ${whose}, and no more are opened: close some, or share one`
          throw new GatewayError('RATE_LIMIT_EXCEEDED', message, { headers: { 'Retry-After': '5' } })
        }
        for (const [name] of places) change(name, amount)
        held += amount
      },
      release() {
        for (const [name] of places) change(name, -held)
        held = 0
      },
    }
  }

  function takeFrom(site: string, principal: Sharer): () => void {
    const share = openFrom(site, principal)
    share.add(1)
    return share.release
  }

  return {
    takeFrom,
    open: (c, principal) => openFrom(siteOf(remoteAddress(c)), principal),
    size: () => count('all'),
    take: (c, principal) => takeFrom(siteOf(remoteAddress(c)), principal),
  }
}
