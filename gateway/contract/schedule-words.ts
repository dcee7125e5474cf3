/** What a tick does while a job of its schedule runs: a second, nothing, or cancel it and begin anew. The first is the default. */
export const CONCURRENCY_POLICIES = ['allow', 'forbid', 'replace'] as const
/** What became of a tick. */
export const RUN_OUTCOMES = ['submitted', 'skipped', 'missed', 'failed'] as const
