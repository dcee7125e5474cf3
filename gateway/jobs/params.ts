import { z } from 'zod'

/** The path parameter of everything about one job. Ids that cannot be are answered as unknown jobs. */
export const jobParams = z.strictObject({
  id: z
    .string()
    .max(64)
    .describe('Which job.')
    .meta({ examples: ['job_01k8m3q7w9x2v5n4c6b8d0f1g3'] }),
})

/** The header of everything that submits, so that a client may send it twice and have one job. */
export const idempotencyHeader = z.object({
  'idempotency-key': z
    .string()
    .min(1)
    .max(255)
    .optional()
    .describe('Any text of your own: the same key with the same body within 24 hours answers the first job.'),
})
