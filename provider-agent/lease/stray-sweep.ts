/**
 * Removes containers and networks of this agent that no lease needs: what it finds at its start, and what comes up later. The
 * engine may still finish the creation that a killed agent asked for after the next one has looked.
 */

import { retried } from '../../node/backoff.ts'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { isGone } from '../engine/errors.ts'
import type { ContainerEngine } from '../engine/index.ts'
import { removeSurely } from '../engine/remove-surely.ts'

/** How often the engine is looked at, in ms. */
const EVERY_MS = 30_000

/** Removes what no lease needs; whatever cannot be removed is only logged. */
export interface StraySweep {
  /** Removes what was found at the start. */
  remove(names: string[]): Promise<void>
  /** Looks again and again, until the signal aborts; what was without a lease at two looks in a row goes. */
  watch(): Promise<void>
}

/**
 * @param signal the agent stops
 * @param init.owner peer id that marks this agent's containers
 */
export function createStraySweep(
  components: {
    engine: Pick<ContainerEngine, 'list' | 'remove'>
    clock: Clock
    logger: Logger
    /** Whether a lease that is not settled has this container. */
    isHeld: (name: string) => boolean
  },
  { owner }: { owner: string },
  signal: AbortSignal,
): StraySweep {
  const { engine, clock, logger, isHeld } = components

  async function remove(names: string[]): Promise<void> {
    if (names.length > 0) logger.info({ names }, 'removing what no lease needs')
    await Promise.all(names.map(removeOne))
  }

  async function removeOne(name: string): Promise<void> {
    try {
      await removeSurely(clock, signal, async (until) => await engine.remove(name, { signal: until }))
    } catch (error) {
      if (!signal.aborted) logger.warn({ name, error: String(error) }, 'what no lease needs was not removed')
    }
  }

  async function strays(): Promise<string[]> {
    const found = await retried(clock, signal, isGone, () => engine.list(owner, { signal }))
    return found.map(({ name }) => name).filter((name) => !isHeld(name))
  }

  return {
    remove,
    async watch() {
      let before = new Set<string>()
      while (!signal.aborted) {
        await clock.sleep(EVERY_MS, signal).catch(() => undefined) // aborted: the loop ends
        if (signal.aborted) return
        try {
          const now = await strays()
          await remove(now.filter((name) => before.has(name)))
          before = new Set(now)
        } catch (error) {
          if (!signal.aborted) logger.warn({ error: String(error) }, 'the engine did not say what it has')
        }
      }
    },
  }
}
