import type { Clock } from '../../clock.ts'
import type { Refusals } from '../bounds/refusals.ts'

/** Penalties at which a peer is refused: the fifth of a quick series. One counts half after this many ms. */
const MAX_PENALTIES = 4.5
const HALF_LIFE_MS = 10 * 60_000

/** How long a refused peer stays refused, in ms. */
const REFUSED_MS = 10 * 60_000

/** Peers remembered; the longest unheard of goes first. */
const MAX_REMEMBERED = 10_000

/** Who broke the rules how often, and who is refused for it. */
export interface Penalties {
  /** Counts one breach; whether the peer is refused now. */
  penalise(peer: string): boolean
  /** Refuses a peer at once. */
  refuse(peer: string): void
  isRefused(peer: string): boolean
}

/** By the monotonic clock; nothing of it is kept over a restart. */
export function createPenalties({ clock, refusals }: { clock: Clock; refusals: Refusals }): Penalties {
  const records = new Map<string, { penalties: number; atMs: number; refusedUntilMs: number }>()

  const remember = (peer: string, penalties: number, refusedUntilMs: number): void => {
    records.delete(peer)
    records.set(peer, { penalties, atMs: clock.monotonicMs(), refusedUntilMs })
    const oldest = records.keys().next()
    if (records.size > MAX_REMEMBERED && oldest.done !== true) records.delete(oldest.value)
  }

  const isRefused = (peer: string): boolean => (records.get(peer)?.refusedUntilMs ?? 0) > clock.monotonicMs()

  const refuse = (peer: string): void => {
    refusals.count('peer_refused')
    remember(peer, 0, clock.monotonicMs() + REFUSED_MS)
  }

  return {
    penalise(peer) {
      const record = records.get(peer)
      const elapsedMs = record === undefined ? 0 : clock.monotonicMs() - record.atMs
      const penalties = (record?.penalties ?? 0) * 0.5 ** (elapsedMs / HALF_LIFE_MS) + 1
      if (isRefused(peer)) return true
      if (penalties < MAX_PENALTIES) remember(peer, penalties, 0)
      else refuse(peer)
      return isRefused(peer)
    },
    refuse,
    isRefused,
  }
}
