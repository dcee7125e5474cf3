import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { uptime } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * Time as a component. Durations come from `monotonicMs`, which never jumps; `nowMs` is for people and records.
 */
export interface Clock {
  /** Wall clock, ms since the epoch. */
  nowMs(): number
  /** ms since an arbitrary moment; only differences mean something. */
  monotonicMs(): number
  /** Resolves after `ms`; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /**
   * Time that never jumps and goes on over a restart of this process: comparable where `bootId` is the same. Null where
   * the system does not tell.
   */
  sinceBoot?(): SinceBoot | null
}

/**
 * Sleeps for `ms`, or until `woken` aborts: make that before you look for what there is to do, and whoever wakes you while
 * you look is not slept over. Rejects with the reason of `signal` where that aborts.
 */
export async function sleepUntilWoken(
  clock: Pick<Clock, 'sleep'>,
  ms: number,
  woken: AbortSignal,
  signal: AbortSignal,
): Promise<void> {
  try {
    await clock.sleep(ms, AbortSignal.any([signal, woken]))
  } catch (error) {
    signal.throwIfAborted()
    if (!woken.aborted) throw error
  }
}

/** Time since the machine's start, or where that is not told, since this process's. */
export interface SinceBoot {
  bootId: string
  /** Without the time that the machine slept. */
  ms: number
  /** What it slept, to about 10 ms; absent where that is not told. */
  asleepMs?: number | undefined
}

/** Node's timers end at once where they are longer, in ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** This machine's own time; what every peer has outside of tests. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sinceBoot() {
    // On Linux this is CLOCK_MONOTONIC, the same for every process.
    const ms = Number(process.hrtime.bigint() / 1_000_000n)
    const bootId = readBootId()
    // Elsewhere it says nothing to another process.
    return bootId === null ? { bootId: ownId, ms } : { bootId, ms, asleepMs: Math.max(0, uptime() * 1000 - ms) }
  },
  sleep: async (ms, signal) => {
    signal?.throwIfAborted()
    const endMs = performance.now() + ms
    try {
      let leftMs = ms
      do {
        await delay(Math.min(leftMs, LONGEST_TIMER_MS), undefined, signal === undefined ? {} : { signal })
        leftMs = endMs - performance.now()
      } while (ms > LONGEST_TIMER_MS && leftMs > 0)
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    }
  },
}

const ownId = randomUUID()

let knownBootId: string | null | undefined

/** Linux names each boot; null elsewhere. */
function readBootId(): string | null {
  if (knownBootId !== undefined) return knownBootId
  try {
    knownBootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    knownBootId = null // no such file: another system, or one without /proc
  }
  return knownBootId
}
