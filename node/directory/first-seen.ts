import type { Logger } from '../logger.ts'
import type { JobStore } from '../store/index.ts'

/** Since when providers are known. */
export interface FirstSeen {
  /** Wall clock of when a provider was first heard of, in ms: `atMs` where that is news, or earlier than what is known. */
  of(provider: string, atMs: number): number
}

/** Twice what a directory lists: who comes and goes stays known. Beyond, the longest unheard of are forgotten. */
const MAX_KNOWN = 20_000

/** What {@link recallFirstSeen} works with. */
export interface FirstSeenComponents {
  store: Pick<JobStore, 'firstSeen' | 'keepFirstSeen'>
  logger: Logger
}

/** Remembers over restarts, and after the directory forgot a provider that was offline. @param max @default 20_000 */
export async function recallFirstSeen(
  { store, logger }: FirstSeenComponents,
  max: number = MAX_KNOWN,
): Promise<FirstSeen> {
  const known = await store.firstSeen()

  /** Nobody waits for it: one that is lost in a crash is first seen again. */
  const keep = (provider: string, atMs: number | null): void => {
    store
      .keepFirstSeen(provider, atMs)
      .catch((error) => logger.warn({ provider, error }, 'since when a provider is known could not be kept'))
  }

  return {
    of(provider, atMs) {
      const before = known.get(provider)
      const first = Math.min(before ?? atMs, atMs)
      known.delete(provider) // to the end: the longest unheard of stay in front
      known.set(provider, first)
      if (first !== before) keep(provider, first)
      const [oldest] = known.keys()
      if (known.size > max && oldest !== undefined) {
        known.delete(oldest)
        keep(oldest, null)
      }
      return first
    },
  }
}

/** For a peer without a store: since it was started. */
export const sinceStart: FirstSeen = { of: (_provider, atMs) => atMs }
