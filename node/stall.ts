import type { Clock } from './clock.ts'

/** Ends what goes no further. */
export interface StallGuard {
  /** Aborted with the parent, or once nothing has moved for so long. */
  signal: AbortSignal
  moved(): void
  clear(): void
}

/**
 * Watches something that goes on piece by piece. A deadline for each piece would cost as much as hashing it.
 *
 * @param ms how long nothing may move; it is noticed a tenth of that later at most. @default 60_000
 */
export function guardStall(clock: Clock, parent: AbortSignal | undefined, ms = 60_000): StallGuard {
  const stalled = new AbortController()
  const over = new AbortController()
  let movedMs = clock.monotonicMs()
  const signal = parent === undefined ? stalled.signal : AbortSignal.any([parent, stalled.signal])
  const ended = AbortSignal.any([signal, over.signal])
  void (async () => {
    while (clock.monotonicMs() - movedMs < ms) await clock.sleep(ms / 10, ended)
    stalled.abort(new Error(`Nothing has moved for ${ms} ms`))
  })().catch(() => undefined) // over
  return {
    signal,
    moved: () => {
      movedMs = clock.monotonicMs()
    },
    clear: () => over.abort(),
  }
}
