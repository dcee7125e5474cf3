import type { Reputation } from '../reputation/reputation.ts'
import type { Attendance } from './attendance.ts'

/** Whose bids are believed less is not waited for, where others are: it may answer late to hold up who will not buy of it. */
const BELIEVED = 0.5

/** All that have not kept a word here yet, as one: the next one may always come under a new name. No peer has this id. */
export const STRANGERS = '*'

/** Whose answers a round waits for. */
export interface WaitedFor {
  /** Loses each that has answered. */
  awaited: Set<string>
  /** Of these, those that have kept their word here, where strangers are waited for beside them; else nobody. */
  leading: ReadonlySet<string>
}

/**
 * Of those that are asked, those whose bids are believed; all, where nobody's are. Strangers are among them as long as they
 * hold up nobody: once they have twice kept a round open for long after the others had answered, those that are known are
 * waited for alone, but for one round a minute. What strangers bid in time counts as ever.
 */
export function waitedFor(
  { attendance, reputation }: { attendance: Attendance; reputation: Pick<Reputation, 'trust' | 'isKnown'> },
  asked: string[],
  owner: string | undefined,
): WaitedFor {
  const believed = asked.filter((provider) => reputation.trust(provider, owner) >= BELIEVED)
  const all = believed.length > 0 ? believed : asked
  const known = all.filter((provider) => reputation.isKnown(provider, owner))
  if (known.length === 0 || known.length === all.length) return { awaited: new Set(all), leading: new Set() }
  if (!attendance.isAwaited(STRANGERS)) return { awaited: new Set(known), leading: new Set() }
  return { awaited: new Set(all), leading: new Set(known) }
}
