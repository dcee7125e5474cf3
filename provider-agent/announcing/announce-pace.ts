/**
 * Announcements that all providers of a network make together in a second, about: each costs every peer 1 to 3 ms of CPU,
 * so this keeps listening below a twentieth of a core.
 */
const ANNOUNCEMENTS_PER_SECOND = 20

/** Beyond this the network would hardly notice who left, in ms: 18,000 providers. */
const LONGEST_MS = 15 * 60_000

/**
 * How long one provider waits between announcements, in ms, so that all together stay under about 20 a second however
 * large the network is, and however often they have something new to say.
 */
export interface AnnouncePace {
  /** Until the next one is due whatever happens; announced, so that everyone knows when one is missed. */
  intervalMs: number
  /** After one, until a change is told. */
  gapMs: number
}

/** @param providers how many sell here, this one included */
export function announcePace(providers: number, init: { announceMs: number; announceDelayMs: number }): AnnouncePace {
  const fairMs = Math.min(LONGEST_MS, Math.ceil((providers / ANNOUNCEMENTS_PER_SECOND) * 1000))
  return { intervalMs: Math.max(init.announceMs, fairMs), gapMs: Math.max(init.announceDelayMs, fairMs) }
}
