import type { Announcement } from '../../protocol/market-messages.ts'

/** How a provider does, as this peer judges from its announcements; see {@link ProviderView}. */
export type ProviderStatus = 'online' | 'degraded' | 'offline'

/** A `pausedReason` by which a provider says goodbye: it is offline from then on. */
export const GOODBYE = 'offline'

/** A provider as this peer knows it. Never changed: news makes a new one. */
export interface ProviderView extends Announcement {
  /** online; degraded where it says that something is wrong with it, or after one missed announcement; offline after three, or when it said goodbye. */
  status: ProviderStatus
  /** Wall clock of the first announcement, before a restart of this peer too, and of the last, in ms. */
  firstSeenMs: number
  lastSeenMs: number
  /** Round trip to it in ms where measured. */
  latencyMs: number | null
}

/** Everyone's picture of who sells, from announcements. Bounded: the longest silent are forgotten first. */
export interface Directory {
  /** The same array until something changes: copy it before sorting. */
  list(): ProviderView[]
  get(provider: string): ProviderView | undefined
  /** Calls back after a provider appeared, changed (capacity, price, status) or vanished. Returns the way to stop. */
  onChange(callback: (provider: ProviderView) => void): () => void
}
