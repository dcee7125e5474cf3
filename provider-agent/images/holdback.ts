/** Images that could not be got here a moment ago: jobs with them are better off elsewhere, for a while. */

import type { Clock } from '../../node/clock.ts'

/** For whom, and as what, an image is wanted. */
export interface ImageUse {
  requester: string
  /** As what it would run. */
  platform: string
  /** Which of its bytes; empty where whatever its name means. */
  digest: string
  /** Whether a copy that only this machine has may be run: then no registry need be reached. */
  mayUseLocal: boolean
}

/**
 * Counts by image and digest, and never more widely than a failure says: by whether local copies may be used, so that who
 * may not holds up nobody who may; by requester and by platform where it lay in those.
 */
export interface ImageHoldback {
  /** @param lay in what it lay: in who asked, e.g. in their credentials, and in what it was to run as */
  failed(image: string, use: ImageUse, lay: { inRequester: boolean; inPlatform: boolean }): void
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
  const keyOf = (image: string, use: ImageUse, lay: { inRequester: boolean; inPlatform: boolean }): string => {
    const { requester, platform, digest, mayUseLocal } = use
    const whose = lay.inRequester ? { requester } : { mayUseLocal }
    return JSON.stringify([image, digest, whose, lay.inPlatform ? platform : null])
  }
  /** Of everything that would hold up such a use. */
  const keysOf = (image: string, use: ImageUse): string[] =>
    [true, false].flatMap((inRequester) =>
      [true, false].map((inPlatform) => keyOf(image, use, { inRequester, inPlatform })),
    )

  return {
    failed(image, use, lay) {
      const key = keyOf(image, use, lay)
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
