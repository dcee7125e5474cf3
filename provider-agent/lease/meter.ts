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
  /** Monotonic time of when it was stopped first, in ms; null before. */
  readonly stoppedMs: number | null
  /** In ms, as if it runs still. */
  read(): number
  /** In ms, as far as nothing kept this process from seeing it. */
  sure(): number
  /** In ms, as far as the engine's last word that it runs: what may be told to the requester. */
  vouched(): number
  /** The engine said so of that moment, monotonic, in ms. */
  vouch(atMs: number): void
  /** Nobody can see from now on whether it runs. Repeating it is no error. */
  unseen(): void
  /** It was seen to run. */
  seen(): void
}

/** Stands at `alreadyMs`, which an earlier process counted, until it is started. */
export function createMeter({ clock }: { clock: Clock }, alreadyMs: number): Meter {
  let baseMs = alreadyMs
  let sinceMs: number | null = null
  let stoppedMs: number | null = null
  let vouchedMs = Number.NEGATIVE_INFINITY
  /** What it showed when it was last seen to run; null while it is seen. */
  let lastSeenMs: number | null = null
  const read = (): number => (sinceMs === null ? baseMs : baseMs + clock.monotonicMs() - sinceMs)
  const sure = (): number => lastSeenMs ?? read()
  return {
    get running() {
      return sinceMs !== null
    },
    get stoppedMs() {
      return stoppedMs
    },
    start(fromMs) {
      if (sinceMs !== null) return
      baseMs = fromMs
      sinceMs = clock.monotonicMs()
    },
    stop(atMs) {
      baseMs = atMs ?? read()
      if (sinceMs !== null) stoppedMs = clock.monotonicMs()
      sinceMs = null
      lastSeenMs = null
      return baseMs
    },
    read,
    sure,
    vouched: () => (sinceMs === null ? baseMs : Math.min(sure(), baseMs + Math.max(0, vouchedMs - sinceMs))),
    vouch(atMs) {
      vouchedMs = Math.max(vouchedMs, atMs)
    },
    unseen() {
      lastSeenMs ??= read()
    },
    seen() {
      lastSeenMs = null
    },
  }
}
