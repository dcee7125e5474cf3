/** What a job without the label or provider is counted under. */
export const NONE = 'none'

/** What the jobs of one group cost, in US dollars. */
export interface CostRow {
  /** The day (UTC), the provider's id, or the label's value. */
  group: string
  /** How many. */
  jobs: number
  /**
   * What they would cost on the terms of their leases if each ran for its whole duration and grace; a job without a
   * lease adds nothing.
   */
  estimated: number
  /** What they have come to so far. */
  actual: number
  /** What keeping volumes cost beside them, by the receipts signed in the period. */
  volumes: number
}

const DAY_MS = 86_400_000
/** Answers of `period`, in ms. */
export const COST_PERIODS = { '24h': DAY_MS, '7d': 7 * DAY_MS, '30d': 30 * DAY_MS, '90d': 90 * DAY_MS } as const
