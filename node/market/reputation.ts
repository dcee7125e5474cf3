import type { Clock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import type { JobStore, TrackRecord } from '../store/index.ts'

/** How long what was seen of a provider counts in full; it halves with each further span. */
const HALF_LIFE_MS = 10 * 60 * 1000

/** Providers remembered; the longest unseen is forgotten first. */
const MAX_PROVIDERS = 10_000

/** A provider never dealt with is believed at least so far: newcomers must get their chance, whoever came before them. */
const LEAST_FOR_NEWCOMERS = 0.25

/** Under which the first dealings are kept; no peer has this id. */
const NEWCOMERS = '*'

/** First dealings with newcomers that have to go wrong before the next ones are believed by half. */
const PATIENCE = 1.5

/**
 * What this peer has seen of providers itself; claims of others do not count. Names cost nothing, so one that was never
 * dealt with is believed as far as newcomers have kept their word of late: whoever comes with a hundred names loses the
 * advantage after some of them, and not one by one. Those that have kept theirs before are not touched by that.
 */
export interface Reputation {
  /** Takes up what was kept when this peer ran before. */
  recall(): Promise<void>
  record(provider: string, what: 'honoured' | 'broken'): void
  /** 0..1: how far its bids are believed; 1 where nobody was ever seen to break its word. */
  trust(provider: string): number
}

export interface ReputationComponents {
  clock: Pick<Clock, 'monotonicMs' | 'nowMs'>
  store: Pick<JobStore, 'trackRecords' | 'keepTrackRecord'>
  logger: Logger
}

/** As it counted at `atMs`, by the monotonic clock. */
type Seen = TrackRecord

export function createReputation({ clock, store, logger }: ReputationComponents): Reputation {
  const seen = new Map<string, Seen>()
  /** First dealings, whoever they were with. */
  let newcomers: Seen = { honoured: 0, broken: 0, atMs: clock.monotonicMs() }

  function faded({ honoured, broken, atMs }: Seen): Seen {
    const now = clock.monotonicMs()
    const fade = 0.5 ** ((now - atMs) / HALF_LIFE_MS)
    return { honoured: honoured * fade, broken: broken * fade, atMs: now }
  }

  /** Nobody waits for it: a record that is lost in a crash is one dealing more to find out. */
  function keep(provider: string, record: Seen | null): void {
    store
      .keepTrackRecord(provider, record === null ? null : { ...record, atMs: clock.nowMs() })
      .catch((error) => logger.warn({ provider, error }, 'what was seen of a provider could not be kept'))
  }

  return {
    async recall() {
      const kept = [...(await store.trackRecords())].toSorted(([, one], [, other]) => one.atMs - other.atMs)
      for (const [provider, { honoured, broken, atMs }] of kept) {
        const agoMs = Math.max(0, clock.nowMs() - atMs)
        const entry = { honoured, broken, atMs: clock.monotonicMs() - agoMs }
        if (provider === NEWCOMERS) newcomers = entry
        else if (!seen.has(provider)) seen.set(provider, entry)
      }
    },
    record(provider, what) {
      const known = seen.get(provider)
      if (known === undefined) {
        newcomers = faded(newcomers)
        newcomers[what] += 1
        keep(NEWCOMERS, newcomers)
      }
      const entry = faded(known ?? { honoured: 0, broken: 0, atMs: clock.monotonicMs() })
      entry[what] += 1
      seen.delete(provider)
      seen.set(provider, entry)
      keep(provider, entry)
      const [oldest] = seen.keys()
      if (seen.size <= MAX_PROVIDERS || oldest === undefined) return
      seen.delete(oldest)
      keep(oldest, null)
    },
    trust(provider) {
      const known = seen.get(provider)
      if (known !== undefined) {
        const { honoured, broken } = faded(known)
        return (1 + honoured) / (1 + honoured + 2 * broken)
      }
      const { honoured, broken } = faded(newcomers)
      return Math.max(LEAST_FOR_NEWCOMERS, (PATIENCE + honoured) / (PATIENCE + honoured + broken))
    },
  }
}
