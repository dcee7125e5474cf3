import type { Clock } from '../../node/clock.ts'

/** A clock that moves only when told to. Timers due at the same moment ring in the order in which they were set. */
export interface SimClock extends Clock {
  /** Moves on, ringing each timer at its own moment and letting what it wakes run before the next. */
  advance(ms: number): Promise<void>
  /** Moves on at once, as for a process that does not run meanwhile; then rings what was due, late. */
  holdUp(ms: number): Promise<void>
  /** Sets the wall clock off by so much; durations do not notice. */
  jump(ms: number): void
  /** Timers that wait. */
  pending(): number
}

interface Timer {
  atMs: number
  ring: () => void
}

const START_MS = Date.UTC(2026, 0, 1)

/** @param init.bootId as of {@link Clock.sinceBoot}; null where the system is not to tell. @default "boot" */
export function createSimClock({ bootId = 'boot' }: { bootId?: string | null } = {}): SimClock {
  let elapsedMs = 0
  let wallMs = START_MS
  const timers = new Set<Timer>()

  function nextDue(untilMs: number): Timer | undefined {
    let next: Timer | undefined
    for (const timer of timers) {
      if (timer.atMs <= untilMs && (next === undefined || timer.atMs < next.atMs)) next = timer
    }
    return next
  }

  const clock: SimClock = {
    nowMs: () => Math.floor(wallMs + elapsedMs),
    monotonicMs: () => elapsedMs,
    sinceBoot: () => (bootId === null ? null : { bootId, ms: elapsedMs }),
    pending: () => timers.size,
    jump(ms) {
      wallMs += ms
    },
    sleep: async (ms, signal) => {
      signal?.throwIfAborted()
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const timer = { atMs: elapsedMs + Math.max(0, ms), ring: resolve }
      timers.add(timer)
      const onAbort = (): void => {
        timers.delete(timer)
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      try {
        await promise
      } finally {
        signal?.removeEventListener('abort', onAbort)
      }
    },
    async advance(ms) {
      const untilMs = elapsedMs + ms
      await quiet()
      for (let timer = nextDue(untilMs); timer !== undefined; timer = nextDue(untilMs)) {
        elapsedMs = Math.max(elapsedMs, timer.atMs)
        timers.delete(timer)
        timer.ring()
        await quiet()
      }
      elapsedMs = untilMs
      await quiet()
    },
    async holdUp(ms) {
      elapsedMs += ms
      await clock.advance(0)
    },
  }
  return clock
}

/** Lets what was woken run: promises, and what works through the event loop without waiting for anything outside. */
async function quiet(turns = 20): Promise<void> {
  for (let i = 0; i < turns; i += 1) await new Promise<void>((resolve) => setImmediate(resolve))
}
