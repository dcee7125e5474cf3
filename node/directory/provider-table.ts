import { isDeepStrictEqual } from 'node:util'
import type { SignedStatement } from '../../protocol/gen/cortex/v1/market_pb.js'
import type { Announcement } from '../../protocol/market-messages.ts'
import type { Clock } from '../clock.ts'
import type { FirstSeen } from './first-seen.ts'
import { GOODBYE, type ProviderStatus, type ProviderView } from './index.ts'

/** Announcements missed before a provider counts as offline. */
const OFFLINE_AFTER = 3

/** An offline provider is forgotten after this many ms. */
const FORGET_AFTER_MS = 60 * 60 * 1000

/** What is kept of one provider. */
export interface ProviderEntry {
  view: ProviderView
  /** As the provider signed it, for others who ask. */
  statement: SignedStatement
  /** When it was announced, on this peer's monotonic clock. */
  heardAtMs: number
}

/** The providers that a directory knows, with their signed announcements, by peer id. */
export interface ProviderTable {
  list(): ProviderView[]
  get(provider: string): ProviderEntry | undefined
  entries(): Iterable<ProviderEntry>
  /** Whether an announcement says more than what is known. */
  isNews(announcement: Pick<Announcement, 'provider' | 'incarnation' | 'sequence'>): boolean
  /** Takes a checked announcement of `ageMs` ago; nothing where it is no news. */
  hear(announcement: Announcement, statement: SignedStatement, ageMs: number): void
  /** Takes a round trip to a provider; listeners are not told of it. */
  measured(provider: string, latencyMs: number | null): void
  /** Lets time pass: changes what has fallen silent, forgets what has been offline for an hour. */
  sweep(): void
}

/** What {@link createProviderTable} works with. */
export interface ProviderTableComponents {
  clock: Clock
  firstSeen: FirstSeen
  /** Called after a provider appeared, changed or vanished. */
  changed: (view: ProviderView) => void
}

/** Who sells, in the order in which they were last heard of. @param maxProviders the longest silent beyond are forgotten */
export function createProviderTable(components: ProviderTableComponents, maxProviders: number): ProviderTable {
  const { clock, firstSeen, changed } = components
  const entries = new Map<string, ProviderEntry>()
  let listed: ProviderView[] | undefined

  const put = (provider: string, entry: ProviderEntry): void => {
    entries.set(provider, entry)
    listed = undefined
  }

  const forget = (provider: string, view: ProviderView): void => {
    entries.delete(provider)
    listed = undefined
    changed({ ...view, status: 'offline' })
  }

  const isNews: ProviderTable['isNews'] = ({ provider, incarnation, sequence }) => {
    const known = entries.get(provider)?.view
    if (known === undefined || incarnation > known.incarnation) return true
    return incarnation === known.incarnation && sequence > known.sequence
  }

  return {
    list: () => {
      listed ??= [...entries.values()].map(({ view }) => view)
      return listed
    },
    get: (provider) => entries.get(provider),
    entries: () => entries.values(),
    isNews,

    hear(announcement, statement, ageMs) {
      if (!isNews(announcement)) return
      const { provider } = announcement
      const before = entries.get(provider)
      const lastSeenMs = clock.nowMs() - ageMs
      const view: ProviderView = {
        ...announcement,
        status: statusOf(announcement, ageMs),
        firstSeenMs: firstSeen.of(provider, before?.view.firstSeenMs ?? lastSeenMs),
        lastSeenMs,
        latencyMs: before?.view.latencyMs ?? null,
      }
      entries.delete(provider) // to the end: the longest silent stay in front
      put(provider, { view, statement, heardAtMs: clock.monotonicMs() - ageMs })
      if (before === undefined || !isSameOffer(before.view, view)) changed(view)
      const first = entries.values().next()
      if (entries.size > maxProviders && first.done !== true) forget(first.value.view.provider, first.value.view)
    },

    measured(provider, latencyMs) {
      const entry = entries.get(provider)
      if (entry === undefined || entry.view.latencyMs === latencyMs) return
      put(provider, { ...entry, view: { ...entry.view, latencyMs } })
    },

    sweep() {
      const nowMs = clock.monotonicMs()
      for (const [provider, entry] of entries) {
        const silentMs = nowMs - entry.heardAtMs
        const status = statusOf(entry.view, silentMs)
        if (status === 'offline' && silentMs > FORGET_AFTER_MS) {
          forget(provider, entry.view)
        } else if (status !== entry.view.status) {
          const view = { ...entry.view, status }
          put(provider, { ...entry, view })
          changed(view)
        }
      }
    },
  }
}

/** @param silentMs since its last announcement */
export function statusOf({ intervalMs, pausedReason, impaired }: Announcement, silentMs: number): ProviderStatus {
  if (pausedReason === GOODBYE) return 'offline'
  // an announcement may be on its way for a while, and its provider busy
  const graceMs = Math.max(1_000, intervalMs / 5)
  if (silentMs <= intervalMs + graceMs) return impaired ? 'degraded' : 'online'
  return silentMs <= OFFLINE_AFTER * intervalMs + graceMs ? 'degraded' : 'offline'
}

/** Whether nothing changed but what changes with every announcement. */
function isSameOffer(a: ProviderView, b: ProviderView): boolean {
  return isDeepStrictEqual(offerOf(a), offerOf(b))
}

function offerOf(view: ProviderView): Partial<ProviderView> {
  const { sequence, uptimeSeconds, lastSeenMs, firstSeenMs, latencyMs, jobsCompleted, jobsFailed, ...offer } = view
  return offer
}
