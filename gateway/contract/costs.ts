/** What a job without the label or provider is counted under. */
export const NONE = 'none'

/** What costs are grouped by: `day`, `provider`, or `label.KEY`. */
export const COST_GROUP = /^(?:day|provider|label\..+)$/

/** A day of 24 hours, in ms. */
export const DAY_MS = 86_400_000
/** Answers of `period`, in ms. */
export const COST_PERIODS = { '24h': DAY_MS, '7d': 7 * DAY_MS, '30d': 30 * DAY_MS, '90d': 90 * DAY_MS } as const
/** The longest time whose costs are added up: every job of it is looked at. */
export const MAX_COST_DAYS = 366
