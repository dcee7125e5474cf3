import type { Clock, SinceBoot } from './clock.ts'

/** A moment that can be written down: how long ago it was is known after a restart, too. */
export interface Moment {
  wallMs: number
  /** Null where the system does not tell. */
  sinceBoot: SinceBoot | null
}

/** This moment by both clocks, to be kept in a record. */
export function momentNow(clock: Clock): Moment {
  return { wallMs: clock.nowMs(), sinceBoot: clock.sinceBoot?.() ?? null }
}

/** The moment so many ms ago, by both clocks. */
export function momentBefore(clock: Clock, ms: number): Moment {
  const { wallMs, sinceBoot } = momentNow(clock)
  return { wallMs: wallMs - ms, sinceBoot: sinceBoot === null ? null : { ...sinceBoot, ms: sinceBoot.ms - ms } }
}

/** Ms since then: by time that never jumps while the machine is up, by the wall clock over its reboot; never negative. */
export function elapsedSince(clock: Clock, { wallMs, sinceBoot }: Moment): number {
  const now = clock.sinceBoot?.() ?? null
  const sameBoot = sinceBoot !== null && now !== null && sinceBoot.bootId === now.bootId
  return Math.max(0, sameBoot ? now.ms - sinceBoot.ms : clock.nowMs() - wallMs)
}

/** The same with the time that the machine slept: what is rented by the hour is rented then, too. */
export function spanSince(clock: Clock, origin: Moment): number {
  return elapsedSince(clock, origin) + asleepSince(clock, origin)
}

/** Ms from one moment to a later one, as {@link elapsedSince} counts them; never negative. */
export function spanBetween(from: Moment, to: Moment): number {
  const [begin, end] = [from.sinceBoot, to.sinceBoot]
  const sameBoot = begin !== null && end !== null && begin.bootId === end.bootId
  return Math.max(0, sameBoot ? end.ms - begin.ms : to.wallMs - from.wallMs)
}

/**
 * The time of what began at that moment, ms since the epoch: what the wall clock said then, and what went by since. So
 * spans between two such times are right whatever happens to the wall clock; the time that a machine slept is among them.
 */
export function timeSince(clock: Clock, origin: Moment): number {
  return Math.floor(origin.wallMs + spanSince(clock, origin))
}

/** How long the machine slept since then, in ms: that is no jump of the wall clock. Under a second it is not told from 0. */
function asleepSince(clock: Clock, { sinceBoot }: Moment): number {
  const now = clock.sinceBoot?.() ?? null
  if (sinceBoot === null || now === null || sinceBoot.bootId !== now.bootId) return 0
  const asleepMs = (now.asleepMs ?? 0) - (sinceBoot.asleepMs ?? 0)
  return asleepMs < 1_000 ? 0 : asleepMs
}

/** The moment in so many ms. */
export function momentAfter(clock: Clock, ms: number): Moment {
  return momentBefore(clock, -ms)
}

/** Ms until then, below 0 once it is past: whatever lives for a span ends by this, and by no wall clock that was set. */
export function leftUntil(clock: Clock, moment: Moment): number {
  const { wallMs, sinceBoot } = moment
  const now = clock.sinceBoot?.() ?? null
  if (sinceBoot === null || now === null || sinceBoot.bootId !== now.bootId) return wallMs - clock.nowMs()
  return sinceBoot.ms - now.ms - asleepSince(clock, moment)
}

/** How far the wall clock has jumped since then, in ms, back below 0; null where the system tells no time that does not jump. */
export function jumpSince(clock: Clock, { wallMs, sinceBoot }: Moment): number | null {
  const now = momentNow(clock)
  if (sinceBoot === null || now.sinceBoot?.bootId !== sinceBoot.bootId) return null
  return now.wallMs - wallMs - (now.sinceBoot.ms - sinceBoot.ms)
}
