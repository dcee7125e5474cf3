import type { Clock } from '../../clock.ts'

/**
 * Closes as soon as everyone who was expected has answered, or at the deadline: on a quiet network after milliseconds.
 */
export interface BidWindow {
  /** Resolves when it is closed; never rejects. */
  readonly closed: Promise<WindowEnd>
  answered(provider: string): void
  /** Once it is closed: whether others kept it open for long after all that are `leading` had answered. */
  heldUp(): boolean
}

/** Why a window closed: all had answered, enough had and the others took too long, its time was over, it was given up. */
export type WindowEnd = 'complete' | 'enough' | 'deadline' | 'aborted'

/** Who is waited for, and for how long. */
export interface BidWindowInit {
  /** Peer ids of those whose answers it waits for. */
  expected: Iterable<string>
  /** After so many ms it closes, whoever is still missing. */
  deadlineMs: number
  signal: AbortSignal
  /**
   * Whether to wait for the slower half only as long again as {@link PATIENCE} says. Else one that always answers at the
   * last moment holds up everybody, and keeps its word. @default false
   */
  hurries?: boolean
  /** Of those expected, by whom it is measured whether the others take too long. @default nobody */
  leading?: Iterable<string>
}

/** Answers that make a half worth to go by. */
const MIN_ANSWERS = 3

/** How long the slower may take: so many times what the faster took, in all, and never less than `leastMs`. */
const PATIENCE = { times: 3, leastMs: 250 }

/** Where nobody is expected the window stays open to the deadline: there may be providers nobody knows yet. */
export function createBidWindow({ clock }: { clock: Clock }, init: BidWindowInit): BidWindow {
  const missing = new Set(init.expected)
  const expected = missing.size
  const leading = new Set(init.leading)
  let [ledMs, openMs] = [Number.POSITIVE_INFINITY, 0]
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
  const patienceMs = (tookMs: number): number => Math.max(PATIENCE.leastMs, PATIENCE.times * tookMs)
  const hurry = (): void => {
    const halfMs = clock.monotonicMs() - openedMs
    closeAfter(patienceMs(halfMs) - halfMs, 'enough')
  }
  void done.promise.then((how) => {
    if (how !== 'aborted') openMs = clock.monotonicMs() - openedMs
    // The timers must not outlive the window.
    stop.abort()
  })
  return {
    closed: done.promise,
    answered(provider) {
      if (!missing.delete(provider)) return
      if (leading.delete(provider) && leading.size === 0) ledMs = clock.monotonicMs() - openedMs
      if (missing.size === 0) done.resolve('complete')
      const half = Math.max(MIN_ANSWERS, Math.ceil(expected / 2))
      if (init.hurries === true && expected - missing.size === half) hurry()
    },
    heldUp: () => openMs >= patienceMs(ledMs),
  }
}
