import type { Clock } from '../clock.ts'

/**
 * Closes as soon as everyone who was expected has answered, or at the deadline: on a quiet network after milliseconds.
 */
export interface BidWindow {
  /** Resolves when it is closed; never rejects. */
  readonly closed: Promise<'complete' | 'deadline' | 'aborted'>
  answered(provider: string): void
}

/** Where nobody is expected the window stays open to the deadline: there may be providers nobody knows yet. */
export function createBidWindow(
  components: { clock: Clock },
  init: { expected: Iterable<string>; deadlineMs: number; signal: AbortSignal },
): BidWindow {
  const missing = new Set(init.expected)
  const done = Promise.withResolvers<'complete'>()
  const stop = new AbortController()
  const timer = components.clock.sleep(init.deadlineMs, AbortSignal.any([init.signal, stop.signal])).then(
    () => 'deadline' as const,
    () => 'aborted' as const,
  )
  const closed = Promise.race([done.promise, timer])
  // The timer must not outlive the window.
  void closed.then(() => stop.abort())
  return {
    closed,
    answered(provider) {
      if (missing.delete(provider) && missing.size === 0) done.resolve('complete')
    },
  }
}
