import type { JobListItem } from '../../../client/index.ts'

/** A job in a list; the gateway leaves nothing out unless it is asked to. */
export type JobRow = JobListItem & { id: string }
