import type { Clock } from '../../node/clock.ts'

/** How many sandboxes are worth keeping ready. */
export interface Demand {
  /** One was asked for. */
  note(): void
  wanted(): number
}

/** What comes within so many ms comes at once: hardly a sandbox is made anew meanwhile. */
const AT_ONCE_MS = 2_000
/** How long what came at once is expected to come again, in ms. */
const MEMORY_MS = 600_000

/** As many as came at once lately, and never less than `least` or more than `most`. */
export function createDemand({ clock }: { clock: Clock }, { least, most }: { least: number; most: number }): Demand {
  let asked: number[] = []
  /** Each is less than those before it: the first is the highest that still counts. */
  let peaks: { atMs: number; count: number }[] = []

  return {
    note() {
      const nowMs = clock.monotonicMs()
      asked = [...asked, nowMs].filter((atMs) => nowMs - atMs < AT_ONCE_MS).slice(-most)
      peaks = [...peaks.filter(({ count }) => count > asked.length), { atMs: nowMs, count: asked.length }]
    },
    wanted() {
      const nowMs = clock.monotonicMs()
      peaks = peaks.filter(({ atMs }) => nowMs - atMs < MEMORY_MS)
      return Math.min(most, Math.max(least, peaks[0]?.count ?? 0))
    },
  }
}
