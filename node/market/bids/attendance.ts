import type { Clock } from '../../clock.ts'

/** Rounds in a row that a provider may let pass before nobody waits for it. */
const MAX_MISSED = 2

/** After this long it is waited for again, once, in ms. */
const SECOND_CHANCE_MS = 60_000

/** Providers remembered; the longest unheard of goes first. */
const MAX_PROVIDERS = 10_000

/**
 * Whose answers a round waits for. One that announces itself and does not answer, because it died or because it means
 * harm, would otherwise hold every round open to its deadline. It is still asked, and its bid still counts if it comes
 * in time.
 */
export interface Attendance {
  isAwaited(provider: string): boolean
  /** It answered within the window. */
  came(provider: string): void
  /** The window closed without its answer. */
  missed(provider: string): void
}

/** Knows nothing after a restart: then everybody is awaited again. */
export function createAttendance({ clock }: { clock: Pick<Clock, 'monotonicMs'> }): Attendance {
  const absent = new Map<string, { missed: number; atMs: number }>()

  return {
    isAwaited(provider) {
      const entry = absent.get(provider)
      if (entry === undefined || entry.missed < MAX_MISSED) return true
      return clock.monotonicMs() - entry.atMs >= SECOND_CHANCE_MS
    },
    came: (provider) => void absent.delete(provider),
    missed(provider) {
      const missed = (absent.get(provider)?.missed ?? 0) + 1
      absent.delete(provider)
      absent.set(provider, { missed, atMs: clock.monotonicMs() })
      const [oldest] = absent.keys()
      if (absent.size > MAX_PROVIDERS && oldest !== undefined) absent.delete(oldest)
    },
  }
}
