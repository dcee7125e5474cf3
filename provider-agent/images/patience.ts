import type { Clock } from '../../node/clock.ts'
import { deadline } from '../../node/deadline.ts'
import { RegistryFailure } from '../../node/registry/failure.ts'

/** How long a sender is waited for, all in all; time that it is kept waiting does not count. */
export interface Patience {
  /** Waits for what it sends next. @throws {RegistryFailure} `registry-too-slow` @throws the signal's reason */
  wait<T extends { length: number } | null>(next: () => Promise<T>, giveUp: () => void): Promise<T>
}

/** How slow a sender may be. */
export interface PatienceInit {
  /** Bytes a second. @default 128 KiB */
  leastRate?: number
  /** What may pass without a byte, in ms. @default 30_000 */
  pauseMs?: number
}

/** Bytes a second that a registry sends at least, beyond a pause of {@link PAUSE_MS}. */
const LEAST_RATE = 128 * 1024
/** How long it may send nothing, and how far ahead what it sent earns it time, in ms. */
const PAUSE_MS = 30_000

/** Each byte earns the sender some time, and waiting for it uses it up. */
export function createPatience(clock: Clock, init: PatienceInit = {}): Patience {
  const { leastRate = LEAST_RATE, pauseMs = PAUSE_MS } = init
  let leftMs = pauseMs
  return {
    async wait(next, giveUp) {
      const beganMs = clock.monotonicMs()
      const limit = deadline(clock, leftMs)
      limit.signal.addEventListener('abort', giveUp, { once: true })
      try {
        const piece = await next()
        leftMs += ((piece?.length ?? 0) * 1000) / leastRate - (clock.monotonicMs() - beganMs)
        leftMs = Math.min(pauseMs, leftMs)
        if (leftMs > 0 && !limit.signal.aborted) return piece
      } catch (error) {
        if (!limit.signal.aborted) throw error
      } finally {
        limit.clear()
      }
      throw new RegistryFailure('registry-too-slow', `it sent less than ${leastRate} bytes a second`)
    },
  }
}
