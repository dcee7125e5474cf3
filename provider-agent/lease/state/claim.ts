/** Of what the meter shows, what the requester's own meter bears out. See docs/decisions/0053-the-buyers-own-meter.md. */

import type { Clock } from '../../../node/clock.ts'
import { elapsedSince, type Moment } from '../../../node/moment.ts'
import { REPORT_DELAY_MS } from '../../../protocol/limits.ts'

/** What the requester has heard of a start. All times are monotonic, in ms. */
export interface Claim {
  /** When the requester was last told that the container does not run yet. */
  readonly idleMs: number
  /** It is being told so. */
  idleTold(): void
  /** By now it has heard what it was told last of that. */
  idleHeard(): void
  /** It is being told that the container runs, which it may have done since `earliestMs`. */
  startTold(sequence: number, earliestMs: number): void
  /**
   * By now it has stored the reports after `after` up to `sequence`, which it was told on one stream. Answers how long ago
   * that was before which nothing is claimed from now on; null where that is as it was.
   */
  reportsHeard(after: number, sequence: number, heartbeatMs: number): number | null
  /** What may be claimed at most of a container that ended no later than at that moment, in ms. */
  most(endedMs: number): number
}

/** @param claimFrom as it was written down; absent where nothing bounds it */
export function createClaim(clock: Clock, claimFrom?: Moment): Claim {
  let fromMs = claimFrom === undefined ? Number.NEGATIVE_INFINITY : clock.monotonicMs() - elapsedSince(clock, claimFrom)
  let idleMs = Number.NEGATIVE_INFINITY
  let idleHeardMs = Number.NEGATIVE_INFINITY
  let untold: { sequence: number; earliestMs: number } | null = null
  return {
    get idleMs() {
      return idleMs
    },
    idleTold() {
      idleMs = clock.monotonicMs()
    },
    idleHeard() {
      idleHeardMs = clock.monotonicMs()
    },
    startTold(sequence, earliestMs) {
      untold = { sequence, earliestMs }
    },
    reportsHeard(after, sequence, heartbeatMs) {
      if (untold === null || sequence < untold.sequence) return null
      const { earliestMs } = untold
      const isOnOneStream = after < untold.sequence
      untold = null
      // When another stream told it, nobody knows when that was heard.
      if (!isOnOneStream) return null
      const nowMs = clock.monotonicMs()
      fromMs = claimableFrom(earliestMs, { idleMs: idleHeardMs, startedMs: nowMs }, heartbeatMs)
      return nowMs - fromMs
    },
    most: (endedMs) => Math.max(0, endedMs - fromMs),
  }
}

/**
 * From when time is claimed of a container whose start the requester has acknowledged: before that, its own meter bears
 * nothing out. It may have acknowledged late for reasons of its own, so no more than one heartbeat's time is given up.
 *
 * @param earliestMs when it can have begun to run, as far as this agent knows
 * @param heard.idleMs when the requester had heard at the latest that it did not run yet; -Infinity where it never did
 * @param heard.startedMs when it had heard at the latest that it runs
 * @returns all of them: monotonic, ms
 */
export function claimableFrom(
  earliestMs: number,
  heard: { idleMs: number; startedMs: number },
  heartbeatMs: number,
): number {
  const { idleMs, startedMs } = heard
  const provedMs = Math.max(startedMs - heartbeatMs, Math.min(startedMs - REPORT_DELAY_MS, idleMs))
  return Math.min(provedMs, earliestMs + heartbeatMs)
}
