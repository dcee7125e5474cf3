/** So many of something at once, and so many more each second. */
export interface Allowance {
  /** Whether there was as much. What is taken beyond what there is counts, too. */
  take(amount: number): boolean
  /** Never above what there may be at once. */
  give(amount: number): void
}

/** It begins full. */
export function createAllowance({ atOnce, perSecond }: { atOnce: number; perSecond: number }): Allowance {
  let left = atOnce
  let atMs = performance.now()
  return {
    take(amount) {
      const nowMs = performance.now()
      left = Math.min(atOnce, left + ((nowMs - atMs) / 1_000) * perSecond) - amount
      atMs = nowMs
      return left >= 0
    },
    give(amount) {
      left = Math.min(atOnce, left + amount)
    },
  }
}
