/** Defaults of a job, and how changes to one are put together; see `protocol/job-defaults.ts`. */
export { ANY_PROVIDER, JOB_DEFAULTS, MAX_ATTEMPTS } from '../../protocol/job-defaults.ts'

/** Maps that overrides change name by name. */
export const MERGED_FIELDS = ['env', 'secrets', 'labels'] as const
