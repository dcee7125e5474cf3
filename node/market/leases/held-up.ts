import type { Clock } from '../../clock.ts'

/** What waited while this process was held up is heard within this time, in ms, however much it is. */
const CAUGHT_UP_MS = 10_000
/** When within a step of this length a hold began is not known, in ms; the whole step counts. */
const STEP_MS = 1_000
/** How late timers ring that nothing holds up, in ms. */
const PUNCTUAL_MS = 250

/**
 * Notices that this process did not run for a while: it was stopped, or its machine had no time for it. One for all leases
 * of a peer: a lease may be lost by the hold, and followed anew before what waited has been heard.
 */
export interface HeldUp {
  /** Notices what happens until the answered function is called. */
  watch(): () => void
  /** For how long what is being heard may have waited, in ms. */
  latelyMs(): number
}

/** Nothing is noticed before somebody watches. */
export function createHeldUp(clock: Clock): HeldUp {
  let step: { beganMs: number; dueMs: number } | null = null
  let holds: { ms: number; endedMs: number }[] = []
  let watchers = 0
  let unwatched = new AbortController()

  /** Of the step under way. Messages are heard before the timer rings that is late. */
  function holdMs(): number {
    const nowMs = clock.monotonicMs()
    return step !== null && nowMs - step.dueMs > PUNCTUAL_MS ? nowMs - step.beganMs : 0
  }

  /** Those that count still. */
  function recent(): { ms: number; endedMs: number }[] {
    const nowMs = clock.monotonicMs()
    return holds.filter(({ endedMs }) => nowMs - endedMs < CAUGHT_UP_MS)
  }

  async function takeSteps(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const beganMs = clock.monotonicMs()
      step = { beganMs, dueMs: beganMs + STEP_MS }
      await clock.sleep(STEP_MS, signal)
      const ms = holdMs()
      if (ms > 0) holds = [...recent(), { ms, endedMs: clock.monotonicMs() }]
    }
  }

  return {
    watch() {
      watchers += 1
      if (watchers === 1) {
        unwatched = new AbortController()
        void takeSteps(unwatched.signal).catch(() => undefined)
      }
      return () => {
        watchers -= 1
        if (watchers > 0) return
        step = null
        unwatched.abort()
      }
    },
    latelyMs: () => recent().reduce((sum, { ms }) => sum + ms, holdMs()),
  }
}
