import type { Clock } from '../../../node/clock.ts'

/** How long a requester may take or give nothing, in ms. */
const STALL_MS = 60_000

/** Ends what goes no further. */
export interface StallGuard {
  /** Aborted with the parent, or once nothing has moved for a minute. */
  signal: AbortSignal
  moved(): void
  clear(): void
}

/** Watches something that goes on piece by piece. */
export function guardStall(clock: Clock, parent: AbortSignal): StallGuard {
  const stalled = new AbortController()
  const over = new AbortController()
  let movedMs = clock.monotonicMs()
  const signal = AbortSignal.any([parent, stalled.signal])
  const ended = AbortSignal.any([signal, over.signal])
  void (async () => {
    while (clock.monotonicMs() - movedMs < STALL_MS) await clock.sleep(STALL_MS / 10, ended)
    stalled.abort(new Error('Nothing has moved for a minute'))
  })().catch(() => undefined) // over
  return {
    signal,
    moved: () => {
      movedMs = clock.monotonicMs()
    },
    clear: () => over.abort(),
  }
}
