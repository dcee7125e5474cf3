/** Images that could not be got here a moment ago: jobs with them are better off elsewhere, for a while. */

import type { Clock } from '../../node/clock.ts'

/** For whom, and as what, an image is wanted. */
export interface ImageUse {
  requester: string
  /** As what it would run. */
  platform: string
}

/** Counts by image, by requester where it was tried with credentials, and by platform where that was the reason. */
export interface ImageHoldback {
  /**
   * @param whose `requester` whose credentials it was tried with, null where everybody would meet the same; `platform` as
   *   what it cannot be had, null where that made no difference
   */
  failed(image: string, whose: { requester: string | null; platform: string | null }): void
  worked(image: string, use: ImageUse): void
  /** How long jobs with this image are not taken for such a use, in ms; 0 where they are. */
  leftMs(image: string, use: ImageUse): number
}

/** After the first failure, doubled with each one up to the longest. */
const FIRST_MS = 60_000
const LONGEST_MS = 900_000
/** Names are strangers'. */
const MAX_IMAGES = 4_096

/** Nothing is held back at first; in memory. */
export function createImageHoldback({ clock }: { clock: Clock }): ImageHoldback {
  const held = new Map<string, { untilMs: number; forMs: number }>()
  const keyOf = (image: string, requester: string | null, platform: string | null): string =>
    `${image} ${requester ?? ''} ${platform ?? ''}`
  /** Of everything that would hold up such a use. */
  const keysOf = (image: string, { requester, platform }: ImageUse): string[] =>
    [null, requester].flatMap((whose) => [null, platform].map((as) => keyOf(image, whose, as)))

  return {
    failed(image, { requester, platform }) {
      const key = keyOf(image, requester, platform)
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
    worked(image, use) {
      for (const key of keysOf(image, use)) held.delete(key)
    },
    leftMs(image, use) {
      const until = keysOf(image, use).map((key) => held.get(key)?.untilMs ?? 0)
      return Math.max(0, Math.max(...until) - clock.monotonicMs())
    },
  }
}
