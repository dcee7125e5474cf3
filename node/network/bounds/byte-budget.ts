import type { Clock } from '../../clock.ts'
import { createRateBudget, type RateBudgetInit } from '../../rate-budget.ts'
import type { Refusals } from './refusals.ts'

/**
 * Bytes that one peer may send, and all together, in 10 s; see docs/decisions/0015-bytes-of-peers.md. What a job itself sends (logs,
 * outputs, tunnels) is not among them: there a slow reader slows its sender.
 */
export interface ByteRates {
  /**
   * On streams of the market: questions, bids, awards, the directory. Awards are the largest, and mostly 2 KB: 64 MiB are
   * 64 of the longest. @default 64 MiB and 256 MiB
   */
  streams: RateBudgetInit
  /** In gossip, by its author: more than all messages that {@link Gossip} takes, at their usual size. @default 2 MiB and 16 MiB */
  authors: RateBudgetInit
  /**
   * In frames of gossip, by the neighbour that brings them: four times what all authors may say. What the whole takes is
   * not refused, only counted: the bytes are here already. @default 64 MiB and 512 MiB
   */
  neighbours: RateBudgetInit
}

const MIB = 2 ** 20
const SPAN_MS = 10_000

/** Of every peer outside of tests. */
export const DEFAULT_BYTE_RATES: ByteRates = {
  streams: { own: 64 * MIB, total: 256 * MIB, spanMs: SPAN_MS },
  authors: { own: 2 * MIB, total: 16 * MIB, spanMs: SPAN_MS },
  neighbours: { own: 64 * MIB, total: 512 * MIB, spanMs: SPAN_MS },
}

/** A peer beyond its own is to blame once in this time, in ms, so that one burst is one breach however many streams it fills. */
const BREACH_MS = 1_000

/** What peers may still send of one kind; see {@link ByteRates}. */
export interface ByteBudget {
  /** Whether these bytes may be read. Where the peer's own are used up, that is a breach of the rules. */
  take(peer: string, bytes: number): boolean
}

/** What {@link createByteBudget} works with. */
export interface ByteBudgetComponents {
  clock: Pick<Clock, 'monotonicMs'>
  refusals: Refusals
  penalise: (peer: string, reason: string) => void
}

/** @param init.name counted as a refusal, and named with a breach: `streams: BYTES` */
export function createByteBudget(
  { clock, refusals, penalise }: ByteBudgetComponents,
  { name, rate }: { name: string; rate: RateBudgetInit },
): ByteBudget {
  const budget = createRateBudget({ clock }, rate)
  const breaches = createRateBudget({ clock }, { own: 1, total: Number.MAX_SAFE_INTEGER, spanMs: BREACH_MS })
  return {
    take(peer, bytes) {
      const taken = budget.take(peer, bytes)
      if (taken === 'taken') return true
      refusals.count(`${name}: BYTES`)
      if (taken === 'own' && breaches.take(peer) === 'taken') penalise(peer, `${name}: BYTES`)
      return false
    },
  }
}
