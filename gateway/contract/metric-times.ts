/** Answers of `period` and `resolution`, in ms. */
export const PERIODS = { '1h': 3_600_000, '6h': 21_600_000, '24h': 86_400_000, '7d': 604_800_000 } as const
/** How far apart the points of a job’s metrics may be. */
export const RESOLUTIONS = { '5s': 5_000, '1m': 60_000, '5m': 300_000, '1h': 3_600_000 } as const
