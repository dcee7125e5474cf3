import type { Clock } from './clock.ts'

/** A moment that can be written down: how long ago it was is known after a restart, too. */
export interface Moment {
  wallMs: number
  /** Null where the system does not tell. */
  sinceBoot: { bootId: string; ms: number } | null
}

export function momentNow(clock: Clock): Moment {
  return { wallMs: clock.nowMs(), sinceBoot: clock.sinceBoot?.() ?? null }
}

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

/** How far the wall clock has jumped since then, in ms, back below 0; null where the system tells no time that does not jump. */
export function jumpSince(clock: Clock, { wallMs, sinceBoot }: Moment): number | null {
  const now = momentNow(clock)
  if (sinceBoot === null || now.sinceBoot?.bootId !== sinceBoot.bootId) return null
  return now.wallMs - wallMs - (now.sinceBoot.ms - sinceBoot.ms)
}
