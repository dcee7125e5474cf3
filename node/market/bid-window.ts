import type { Clock } from '../clock.ts'

/**
 * Closes as soon as everyone who was expected has answered, or at the deadline: on a quiet network after milliseconds.
 */
export interface BidWindow {
  /** Resolves when it is closed; never rejects. */
  readonly closed: Promise<WindowEnd>
  answered(provider: string): void
}

/** Why a window closed: all had answered, enough had and the others took too long, its time was over, it was given up. */
export type WindowEnd = 'complete' | 'enough' | 'deadline' | 'aborted'

export interface BidWindowInit {
  expected: Iterable<string>
  deadlineMs: number
  signal: AbortSignal
  /**
   * Whether to wait for the slower half only as long again as {@link PATIENCE} says. Else one that always answers at the
   * last moment holds up everybody, and keeps its word. @default false
   */
  hurries?: boolean
}

/** Answers that make a half worth to go by. */
const MIN_ANSWERS = 3

/** How long the slower half may take: so many times what the faster took, in all, and never less than `leastMs`. */
const PATIENCE = { times: 3, leastMs: 250 }

/** Where nobody is expected the window stays open to the deadline: there may be providers nobody knows yet. */
export function createBidWindow({ clock }: { clock: Clock }, init: BidWindowInit): BidWindow {
  const missing = new Set(init.expected)
  const expected = missing.size
  const openedMs = clock.monotonicMs()
  const done = Promise.withResolvers<WindowEnd>()
  const stop = new AbortController()
  const signal = AbortSignal.any([init.signal, stop.signal])
  const closeAfter = (ms: number, how: WindowEnd): void => {
    clock.sleep(ms, signal).then(
      () => done.resolve(how),
      () => done.resolve('aborted'),
    )
  }
  closeAfter(init.deadlineMs, 'deadline')
  const hurry = (): void => {
    const halfMs = clock.monotonicMs() - openedMs
    closeAfter(Math.max(PATIENCE.leastMs, PATIENCE.times * halfMs) - halfMs, 'enough')
  }
  // The timers must not outlive the window.
  void done.promise.then(() => stop.abort())
  return {
    closed: done.promise,
    answered(provider) {
      if (!missing.delete(provider)) return
      if (missing.size === 0) done.resolve('complete')
      const half = Math.max(MIN_ANSWERS, Math.ceil(expected / 2))
      if (init.hurries === true && expected - missing.size === half) hurry()
    },
  }
}
