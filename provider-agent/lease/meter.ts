import type { Clock } from '../../node/clock.ts'

/** Where a meter begins. */
export interface MeterStart {
  /** How long the container is known to have run, in ms. */
  meteredMs: number
  /** How much longer it may have run, in ms. */
  unheardMs: number
}

/** How long a container has run: on the monotonic clock, with what an earlier process of the agent counted. */
export interface Meter {
  /** Counts from now on, beginning at `fromMs`. Repeating it is no error. */
  start(fromMs: number): void
  /** Stops for good at `atMs`, or where it is now. Answers what it shows. */
  stop(atMs?: number): number
  readonly running: boolean
  /** In ms, as if it runs still. */
  read(): number
  /** In ms, as far as somebody saw it run: what may be told to the requester. */
  sure(): number
  /** Nobody can see from now on whether it runs. Repeating it is no error. */
  unseen(): void
  /** It was seen to run. */
  seen(): void
}

/** Stands at `alreadyMs`, which an earlier process counted, until it is started. */
export function createMeter({ clock }: { clock: Clock }, alreadyMs: number): Meter {
  let baseMs = alreadyMs
  let sinceMs: number | null = null
  /** What it showed when it was last seen to run; null while it is seen. */
  let lastSeenMs: number | null = null
  const read = (): number => (sinceMs === null ? baseMs : baseMs + clock.monotonicMs() - sinceMs)
  return {
    get running() {
      return sinceMs !== null
    },
    start(fromMs) {
      if (sinceMs !== null) return
      baseMs = fromMs
      sinceMs = clock.monotonicMs()
    },
    stop(atMs) {
      baseMs = atMs ?? read()
      sinceMs = null
      lastSeenMs = null
      return baseMs
    },
    read,
    sure: () => lastSeenMs ?? read(),
    unseen() {
      lastSeenMs ??= read()
    },
    seen() {
      lastSeenMs = null
    },
  }
}
