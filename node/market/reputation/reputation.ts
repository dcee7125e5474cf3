import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import type { JobStore, TrackRecord } from '../../store/index.ts'
import type { Experience } from './experience.ts'
import { ownerKey } from './owner-key.ts'

/** How long what was seen of a provider counts in full; it halves with each further span. */
const HALF_LIFE_MS = 10 * 60 * 1000

/** Records kept, of providers and of what each owner saw of them; the longest unseen is forgotten first. */
const MAX_RECORDS = 20_000

const NOTHING = { honoured: 0, broken: 0 }

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
  /** @param owner whose job it was; what he may have caused counts for him alone. @default nobody's */
  record(provider: string, what: Experience, owner?: string): void
  /**
   * 0..1: how far its bids are believed; 1 where nobody was ever seen to break its word.
   * @param owner in whose eyes. @default in everybody's
   */
  trust(provider: string, owner?: string): number
  /** Whether it has ever kept its word, as far as that is remembered. @param owner in whose eyes. @default in everybody's */
  isKnown(provider: string, owner?: string): boolean
}

/** What one owner's jobs may do for a provider in the eyes of others: nobody washes a name with jobs of his own. */
const MOST_OF_ONE_OWNER = 5

/** What {@link createReputation} works with. */
export interface ReputationComponents {
  clock: Pick<Clock, 'monotonicMs' | 'nowMs'>
  store: Pick<JobStore, 'trackRecords' | 'keepTrackRecord'>
  logger: Logger
}

/** As it counted at `atMs`, by the monotonic clock. */
type Seen = TrackRecord

/** Believes everybody in full until it is told otherwise, or recalls what it was told before. */
export function createReputation({ clock, store, logger }: ReputationComponents): Reputation {
  const seen = new Map<string, Seen>()
  /** First dealings, whoever they were with. */
  let newcomers: Seen = { honoured: 0, broken: 0, atMs: clock.monotonicMs() }

  function faded({ honoured, broken, atMs }: Seen): Seen {
    const now = clock.monotonicMs()
    const fade = 0.5 ** ((now - atMs) / HALF_LIFE_MS)
    return { honoured: honoured * fade, broken: broken * fade, atMs: now }
  }

  function count(name: string, what: 'honoured' | 'broken'): Seen {
    const entry = faded(seen.get(name) ?? { ...NOTHING, atMs: clock.monotonicMs() })
    entry[what] += 1
    seen.delete(name)
    seen.set(name, entry)
    keep(name, entry)
    const [oldest] = seen.keys()
    if (seen.size > MAX_RECORDS && oldest !== undefined) {
      seen.delete(oldest)
      keep(oldest, null)
    }
    return entry
  }

  function ofNewcomers(): number {
    const { honoured, broken } = faded(newcomers)
    return Math.max(LEAST_FOR_NEWCOMERS, (PATIENCE + honoured) / (PATIENCE + honoured + broken))
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
    record(provider, what, owner) {
      if (what === 'broken-for-owner') {
        if (owner !== undefined) count(ownerKey(provider, owner), 'broken')
        return
      }
      const given = owner === undefined || what === 'broken' ? 0 : count(ownerKey(provider, owner), what).honoured
      if (given > MOST_OF_ONE_OWNER) return
      if (!seen.has(provider)) {
        newcomers = faded(newcomers)
        newcomers[what] += 1
        keep(NEWCOMERS, newcomers)
      }
      count(provider, what)
    },
    trust(provider, owner) {
      const known = seen.get(provider)
      const own = owner === undefined ? undefined : seen.get(ownerKey(provider, owner))
      const ofAll = known === undefined ? NOTHING : faded(known)
      const ofOwner = own === undefined ? NOTHING : faded(own)
      const honoured = Math.max(ofAll.honoured, ofOwner.honoured)
      const broken = ofAll.broken + ofOwner.broken
      const dealt = (1 + honoured) / (1 + honoured + 2 * broken)
      return known === undefined ? Math.min(dealt, ofNewcomers()) : dealt
    },
    isKnown(provider, owner) {
      const names = owner === undefined ? [provider] : [provider, ownerKey(provider, owner)]
      return names.some((name) => (seen.get(name)?.honoured ?? 0) > 0)
    },
  }
}
