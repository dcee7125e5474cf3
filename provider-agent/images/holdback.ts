/** Images that could not be got here a moment ago: jobs with them are better off elsewhere, for a while. */

import type { Clock } from '../../node/clock.ts'

/** Counts by image, and by requester where it was tried with credentials. */
export interface ImageHoldback {
  /** @param requester whose credentials it was tried with; null where everybody would meet the same */
  failed(image: string, requester: string | null): void
  worked(image: string): void
  /** How long jobs of this requester with this image are not taken, in ms; 0 where they are. */
  leftMs(image: string, requester: string): number
}

/** After the first failure, doubled with each one up to the longest. */
const FIRST_MS = 60_000
const LONGEST_MS = 900_000
/** Names are strangers'. */
const MAX_IMAGES = 4_096

/** Nothing is held back at first; in memory. */
export function createImageHoldback({ clock }: { clock: Clock }): ImageHoldback {
  const held = new Map<string, { untilMs: number; forMs: number }>()
  const keyOf = (image: string, requester: string | null): string => `${image} ${requester ?? ''}`

  return {
    failed(image, requester) {
      const key = keyOf(image, requester)
      const nowMs = clock.monotonicMs()
      const before = held.get(key)
      // Failures of one moment are one.
      if (before !== undefined && before.untilMs > nowMs) return
      const forMs = Math.min(LONGEST_MS, 2 * (before?.forMs ?? FIRST_MS / 2))
      held.delete(key)
      held.set(key, { untilMs: nowMs + forMs, forMs })
      const [oldest] = held.keys()
      if (held.size > MAX_IMAGES && oldest !== undefined) held.delete(oldest)
    },
    worked(image) {
      held.delete(keyOf(image, null))
    },
    leftMs(image, requester) {
      const until = [null, requester].map((whose) => held.get(keyOf(image, whose))?.untilMs ?? 0)
      return Math.max(0, Math.max(...until) - clock.monotonicMs())
    },
  }
}
