import { readFileSync } from 'node:fs'
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
  sinceBoot?(): { bootId: string; ms: number } | null
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sinceBoot() {
    const bootId = readBootId()
    // On Linux this is CLOCK_MONOTONIC, the same for every process.
    return bootId === null ? null : { bootId, ms: Number(process.hrtime.bigint() / 1_000_000n) }
  },
  sleep: async (ms, signal) => {
    signal?.throwIfAborted()
    try {
      await delay(ms, undefined, signal === undefined ? {} : { signal })
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    }
  },
}

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
