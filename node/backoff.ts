import type { Clock } from './clock.ts'

/** Bounds of the pause between two tries, in ms. */
export interface BackoffInit {
  /** Of the first pause, of which half is left to chance. @default 200 */
  minMs?: number
  /** Of any pause, however many tries came before. @default 5_000 */
  maxMs?: number
}

/** How long to wait before the next try: doubled each time up to the most, half of it at random, so that nobody marches in step. */
export function backoffMs(attempt: number, { minMs = 200, maxMs = 5_000 }: BackoffInit = {}): number {
  const full = Math.min(maxMs, minMs * 2 ** Math.min(attempt, 30))
  return full / 2 + (Math.random() * full) / 2
}

/** Whatever the error is, it is worth another try. */
export const always = (): boolean => true

/**
 * Tries until it succeeds, the error is not worth another try, or the signal aborts.
 *
 * Where `p-retry` is used instead, the pauses are short or nobody's to play: engines, a dial, and the client, which is a
 * package of its own. `p-retry` waits by real timers, so that no simulated clock moves it; it gives up at any
 * `TypeError`, where a container must be told to end whatever went wrong; and it throws a result away that comes as the
 * signal aborts, such as that of a container that was started.
 *
 * @param worthAnother asked after each failure; `attempt` counts from 0
 */
export async function retried<T>(
  clock: Clock,
  signal: AbortSignal,
  worthAnother: (error: unknown, attempt: number) => boolean,
  task: () => Promise<T>,
  backoff: BackoffInit = {},
): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await task()
    } catch (error) {
      signal.throwIfAborted()
      if (!worthAnother(error, attempt)) throw error
      await clock.sleep(backoffMs(attempt, backoff), signal)
    }
  }
}
