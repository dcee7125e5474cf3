import { setTimeout as delay } from 'node:timers/promises'

/** A wait in vain ends after this many ms: a guard against hangs, which also the busiest machine keeps. */
export const LONGEST_WAIT_MS = 300_000

/** Resolves when the condition holds, for what no event tells of. */
export async function until(condition: () => boolean | Promise<boolean>, signal?: AbortSignal): Promise<void> {
  const startedMs = performance.now()
  while (!(await condition())) {
    if (performance.now() - startedMs > LONGEST_WAIT_MS) throw new Error(`Never came true: ${condition}`)
    await delay(5, undefined, signal === undefined ? {} : { signal })
  }
}
