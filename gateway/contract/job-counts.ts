import { z } from 'zod'
import type { JobStatus } from '../../protocol/lifecycle.ts'

/** How many jobs are in each status. */
export const jobCountsSchema = z.strictObject({
  pending: z.int().describe('Wait for a provider, or in a batch for their turn.'),
  scheduled: z.int().describe('Have a provider, and do not run yet.'),
  running: z.int().describe('Run.'),
  completed: z.int().describe('Ended with exit code 0.'),
  failed: z.int().describe('Ended badly.'),
  cancelled: z.int().describe('Were cancelled.'),
} satisfies Record<JobStatus, z.ZodType>)
