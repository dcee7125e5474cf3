import type { Clock } from '../clock.ts'

/** How long what was seen of a provider counts in full; it halves with each further span. */
const HALF_LIFE_MS = 10 * 60 * 1000

/** Providers remembered; the longest unseen is forgotten first. */
const MAX_PROVIDERS = 10_000

/** What this peer has seen of providers itself; claims of others do not count. */
export interface Reputation {
  record(provider: string, what: 'honoured' | 'broken'): void
  /** 0..1: how far its bids are believed; 1 for one never seen to break its word. */
  trust(provider: string): number
}

interface Seen {
  honoured: number
  broken: number
  atMs: number
}

export function createReputation(components: { clock: Clock }): Reputation {
  const { clock } = components
  const seen = new Map<string, Seen>()

  function current(provider: string): Seen {
    const now = clock.monotonicMs()
    const { honoured, broken, atMs } = seen.get(provider) ?? { honoured: 0, broken: 0, atMs: now }
    const fade = 0.5 ** ((now - atMs) / HALF_LIFE_MS)
    return { honoured: honoured * fade, broken: broken * fade, atMs: now }
  }

  return {
    record(provider, what) {
      const entry = current(provider)
      entry[what] += 1
      seen.delete(provider)
      seen.set(provider, entry)
      const [oldest] = seen.keys()
      if (seen.size > MAX_PROVIDERS && oldest !== undefined) seen.delete(oldest)
    },
    trust(provider) {
      const { honoured, broken } = current(provider)
      return (1 + honoured) / (1 + honoured + 2 * broken)
    },
  }
}
