import type { Clock } from '../node/clock.ts'

/** How long what has begun may go on once its agent stops, in ms: an engine that is away holds up nobody for ever. */
const LAST_MS = 5_000

/**
 * Runs what should not be left half done, such as a removal of several steps: where the signal aborts in the midst of it,
 * it is given {@link LAST_MS} more. It does not begin once the signal has aborted.
 */
export async function lasting<T>(
  clock: Pick<Clock, 'sleep'>,
  signal: AbortSignal,
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted()
  const late = new AbortController()
  const done = new AbortController()
  const wait = (): void => {
    clock.sleep(LAST_MS, done.signal).then(
      () => late.abort(signal.reason),
      () => undefined, // it is done
    )
  }
  signal.addEventListener('abort', wait, { once: true, signal: done.signal })
  try {
    return await task(late.signal)
  } finally {
    done.abort()
  }
}
