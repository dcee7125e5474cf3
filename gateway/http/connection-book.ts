import type { Socket } from 'node:net'
import { createSizeOrder, type SizeOrder } from './size-order.ts'

/** What a connection does: waits for its turn to be read, never asked, asked before and nothing now, or is at work. */
export type Doing = 'waiting' | 'silent' | 'resting' | 'busy'

/** Connections of one address, or of all, by what they do; the one that changed last stands last. */
type Site = Record<Doing, Set<Socket>>

/** Which connections there are, from where, what they do, and which of them goes first; see {@link createConnectionBook}. */
export interface ConnectionBook {
  /** How many an address has; of an IPv6, its /64. */
  sizeOf(site: string): number
  /** How many ask nothing at the moment, or never did. */
  restingInAll(): number
  /** What a connection of an address does from now on, and since now; null where it is gone. */
  note(socket: Socket, site: string, doing: Doing | null): void
  /** Whether a connection is at that. */
  isAt(socket: Socket, doing: Doing): boolean
  /** Which of an address goes where it has too many; null where all are at work. */
  firstOfSite(site: string): Socket | null
  /** Which of all goes where there are too many; null where all are at work. */
  firstOfAll(): Socket | null
  /** Which goes where too many rest; null where none has since `untilMs`, ms since the process began. */
  firstAtRest(untilMs: number): Socket | null
}

/** A bound of what a connection costs that finds the house full, however many addresses are in it. */
const SITES_LOOKED_AT = 64
const AT_REST = ['silent', 'resting'] as const
/** Those first that never asked anything: a client that comes again for each request has no reason to lose its own. */
const UNASKED = [...AT_REST, 'waiting'] as const

/** A book without connections. Of an address that has more than others, one goes before one of theirs. */
export function createConnectionBook(): ConnectionBook {
  const sites = new Map<string, Site>()
  const everyone = newSite()
  const bySize = createSizeOrder<Site>()
  const byRest = createSizeOrder<Site>()
  /** When each began what it does. */
  const sinceMs = new Map<Socket, number>()

  /** Those that have most, and at last everyone: behind the largest it is all one whose connection goes. */
  function largest(order: SizeOrder<Site>): Site[] {
    return [...order.largest(SITES_LOOKED_AT), everyone]
  }

  /** Of each kind and site only the one is looked at that has rested for longest. */
  function firstToGo(among: Site[], kinds: readonly Doing[], untilMs = Number.POSITIVE_INFINITY): Socket | null {
    for (const kind of kinds) {
      for (const site of among) {
        const [longest] = site[kind]
        if (longest !== undefined && (sinceMs.get(longest) ?? 0) <= untilMs) return longest
      }
    }
    return null
  }

  return {
    sizeOf: (name) => sizeOf(sites.get(name) ?? newSite()),
    restingInAll: () => restingOf(everyone),
    isAt: (socket, doing) => everyone[doing].has(socket),
    firstOfSite: (name) => firstToGo([sites.get(name) ?? newSite()], UNASKED),
    firstOfAll: () => firstToGo(largest(bySize), UNASKED),
    firstAtRest: (untilMs) => firstToGo(largest(byRest), AT_REST, untilMs),
    note(socket, name, doing) {
      const site = sites.get(name) ?? newSite()
      for (const one of [site, everyone]) {
        for (const kind of Object.values(one)) kind.delete(socket)
        if (doing !== null) one[doing].add(socket)
      }
      if (doing === null) sinceMs.delete(socket)
      else sinceMs.set(socket, performance.now())
      if (sizeOf(site) === 0) sites.delete(name)
      else sites.set(name, site)
      bySize.set(site, sizeOf(site))
      byRest.set(site, restingOf(site))
    },
  }
}

function newSite(): Site {
  return { waiting: new Set(), silent: new Set(), resting: new Set(), busy: new Set() }
}

function restingOf({ silent, resting }: Site): number {
  return silent.size + resting.size
}

function sizeOf(site: Site): number {
  return restingOf(site) + site.waiting.size + site.busy.size
}
