/** What was turned away, counted by reason. Reasons are code words, never a peer's own text, so the set is small. */
export interface Refusals {
  count(reason: string): void
  totals(): Record<string, number>
}

/** Counts from nothing with each process, and forgets no reason. */
export function createRefusals(): Refusals {
  const counts = new Map<string, number>()
  return {
    count: (reason) => {
      counts.set(reason, (counts.get(reason) ?? 0) + 1)
    },
    totals: () => Object.fromEntries(counts),
  }
}
