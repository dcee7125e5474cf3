/**
 * Removes holders and networks that nobody has: what an engine that ended kept from being removed, or brought back. At the
 * start of the agent it is known that all of an earlier run's are; what comes up later is found by looking again and again.
 */

import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'

/** How often the engine is looked at, in ms. */
const EVERY_MS = 30_000
/** How long one must have been without anybody, in ms: it may just be made, or its container be created. */
const GRACE_MS = 120_000

/** What {@link watchHolders} works with. */
export interface HolderSweepComponents {
  clock: Clock
  logger: Logger
  /** Names of those that no container uses. */
  unused: () => Promise<string[]>
  /** Whether it is kept ready, or lent. */
  isHeld: (name: string) => boolean
  remove: (name: string) => Promise<void>
}

/** Looks until the signal aborts. */
export async function watchHolders(
  { clock, logger, unused, isHeld, remove }: HolderSweepComponents,
  signal: AbortSignal,
): Promise<void> {
  let sinceMs = new Map<string, number>()
  while (!signal.aborted) {
    await clock.sleep(EVERY_MS, signal).catch(() => undefined) // aborted: the loop ends
    if (signal.aborted) return
    try {
      const nowMs = clock.monotonicMs()
      const free = (await unused()).filter((name) => !isHeld(name))
      sinceMs = new Map(free.map((name) => [name, sinceMs.get(name) ?? nowMs]))
      const due = free.filter((name) => nowMs - (sinceMs.get(name) ?? nowMs) >= GRACE_MS)
      if (due.length > 0) logger.info({ names: due }, 'removing sandboxes and networks that nobody has')
      for (const name of due) {
        // One that cannot be removed keeps no other; the next look tries again.
        await remove(name).catch((error) => logger.warn({ name, error: String(error) }, 'one was not removed'))
      }
    } catch (error) {
      if (!signal.aborted) logger.warn({ error: String(error) }, 'the engine did not say which sandboxes it has')
    }
  }
}
