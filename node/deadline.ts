import type { Clock } from './clock.ts'

/** Why the timer of a deadline ends early. One for all: making an error costs more than all else here. */
const CLEARED = new Error('It is done in time')

/** A signal that aborts after `ms` on the clock, or with `parent`. The caller clears it when what it guards is done. */
export interface Deadline {
  signal: AbortSignal
  clear(): void
}

/** Starts to count at once. The signal's reason is an `Error` that says how long it was, or the reason of `parent`. */
export function deadline(clock: Clock, ms: number, parent?: AbortSignal): Deadline {
  const timer = new AbortController()
  const expired = new AbortController()
  const parents = parent === undefined ? [] : [parent]
  clock.sleep(ms, AbortSignal.any([timer.signal, ...parents])).then(
    () => expired.abort(new Error(`Took longer than ${ms} ms`)),
    () => undefined, // cleared, or the parent aborted: then there is nothing to end
  )
  return { signal: AbortSignal.any([expired.signal, ...parents]), clear: () => timer.abort(CLEARED) }
}
