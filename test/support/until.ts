import { setTimeout as delay } from 'node:timers/promises'

/** A wait in vain ends after this many ms: a guard against hangs, which also the busiest machine keeps. */
export const LONGEST_WAIT_MS = 300_000

/** How soon it is looked again, in ms. */
const SOONEST_MS = 5
const LATEST_MS = 200

/**
 * Resolves when the condition holds, for what no event tells of. One that asks somebody else, an engine or a gateway, is
 * asked ever more rarely: it sees late by a tenth of the wait, and asking is work for those that are waited for.
 */
export async function until(condition: () => boolean | Promise<boolean>, signal?: AbortSignal): Promise<void> {
  const startedMs = performance.now()
  for (;;) {
    const answer = condition()
    if (await answer) return
    const waitedMs = performance.now() - startedMs
    if (waitedMs > LONGEST_WAIT_MS) throw new Error(`Never came true: ${condition}`)
    const pauseMs = typeof answer === 'boolean' ? SOONEST_MS : lookAgainMs(waitedMs)
    await delay(pauseMs, undefined, signal === undefined ? {} : { signal })
  }
}

/** How long to wait, in ms, before somebody is asked again after so long a wait. @param soonestMs @default 5 */
export function lookAgainMs(waitedMs: number, soonestMs = SOONEST_MS): number {
  return Math.max(soonestMs, Math.min(waitedMs / 10, LATEST_MS))
}
