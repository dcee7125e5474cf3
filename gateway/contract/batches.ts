import { z } from 'zod'
import { DEFAULT_CONCURRENCY, MAX_BATCH_ROWS } from './batch-limits.ts'
import { submissionSchema } from './job-config.ts'
import { jobCountsSchema } from './job-counts.ts'
import { JOB_STATUSES } from './job-status.ts'
import { JOB_EXAMPLE } from './jobs.ts'

/**
 * `preparing` only until the answer: a crash in it leaves nothing of the batch. `completed` is ended, however its jobs
 * did; `cancelled` is ended after it was cancelled as a whole.
 */
export const BATCH_STATUSES = ['preparing', 'submitted', 'cancelling', 'completed', 'cancelled'] as const
/** One of {@link BATCH_STATUSES}; clients never see `preparing`. */
export type BatchStatus = (typeof BATCH_STATUSES)[number]

const time = z.iso.datetime()

/**
 * A field of the batch, however its jobs are sent: 1 to {@link MAX_BATCH_ROWS}.
 * @default DEFAULT_CONCURRENCY
 */
export const concurrencySchema = z
  .int()
  .min(1)
  .max(MAX_BATCH_ROWS)
  .default(DEFAULT_CONCURRENCY)
  .describe('How many of the batch are looked for a provider, or run, at a time; the others wait.')

/** The envelope of a JSON batch: its jobs are checked one by one. */
export const batchEnvelopeSchema = z.strictObject({
  jobs: z.array(z.unknown()),
  concurrency: concurrencySchema,
})

/**
 * Body of `POST /plugin-core/jobs/batch` as JSON, as the document and the client have it. The gateway itself reads
 * only the {@link batchEnvelopeSchema} at once, so that its answer names each bad row.
 */
export const newBatchSchema = z
  .strictObject({
    jobs: z
      .array(submissionSchema)
      .min(1)
      .max(MAX_BATCH_ROWS)
      .describe('The jobs, each as it would be submitted by itself.'),
    concurrency: concurrencySchema,
  })
  .meta({ id: 'NewBatch', description: 'Many jobs at once: all of them are taken, or none.' })

/** Body of `POST /plugin-core/jobs/batch` as a form: a CSV file of which each row makes one job over `base`. */
export const batchFormSchema = z
  .strictObject({
    base: z
      .string()
      .default('{}')
      .describe(
        'A job, as JSON. A column’s name in `$` and braces, in any of its texts, is replaced; it need not be valid by itself.',
      ),
    file: z.string().meta({ format: 'binary' }).describe('CSV in UTF-8; the first row names the columns.'),
    concurrency: concurrencySchema,
  })
  .meta({ id: 'BatchForm', description: 'A CSV file of which each row makes one job over `base`.' })

/** Answer to a batch that was taken, when all of its jobs are stored. */
export const submittedBatchSchema = z
  .strictObject({
    batchId: z.string().describe('Its id.'),
    jobIds: z.array(z.string()).describe('In the order of the rows.'),
    status: z.literal('submitted').describe('How far it is.'),
  })
  .meta({ id: 'SubmittedBatch', description: 'A batch that was taken: all of its jobs are stored.' })

/**
 * Answer to a batch with `?dryRun=true`, every row of which is right; else it is VALIDATION_ERROR, as it would be
 * without.
 */
export const checkedBatchSchema = z
  .strictObject({
    valid: z.literal(true).describe('Every row is right; where one is not, the answer is VALIDATION_ERROR.'),
    total: z.int().describe('Jobs it would make.'),
  })
  .meta({ id: 'CheckedBatch', description: 'A batch that was only checked, with `?dryRun=true`.' })

/** A batch and how far its jobs are; `endedAt` is null until all of them have ended. */
export const batchSchema = z
  .strictObject({
    id: z.string().describe('Its id.'),
    status: z
      .enum(BATCH_STATUSES)
      .exclude(['preparing'])
      .describe('`completed` once every job has ended, however it did; `cancelled` where the batch was.'),
    total: z.int().describe('How many jobs it has.'),
    concurrency: z.int().describe('How many run at a time.'),
    counts: jobCountsSchema.describe('Jobs by status; those that wait for their turn are pending.'),
    createdAt: time.describe('When it was submitted.'),
    endedAt: time.nullable().describe('When its last job ended; null until then.'),
    retryOf: z.string().nullable().describe('The batch whose failed jobs it runs again; null where it is no such.'),
    retriedAs: z.string().nullable().describe('The batch that runs its failed jobs again; null where none does.'),
  })
  .meta({ id: 'Batch', description: 'Many jobs that were submitted at once, and how far they are.' })

/** Every row of a batch with what became of it. */
export const batchRowsSchema = z
  .strictObject({
    id: z.string().describe('Of the batch.'),
    rows: z
      .array(
        z.strictObject({
          row: z
            .int()
            .describe('1 for the first; in a batch that runs failed jobs again, the number that it had at first.'),
          jobId: z.string().describe('Its job.'),
          status: z.enum(JOB_STATUSES).nullable().describe('How that is; null where it was forgotten before it ended.'),
        }),
      )
      .describe('In order; all of them.'),
  })
  .meta({ id: 'BatchRows', description: 'Every row of a batch with what became of it.' })

/** A {@link batchSchema} for the API’s document. */
export const BATCH_EXAMPLE: z.input<typeof batchSchema> = {
  id: 'batch_01k8m3q7w9x2v5n4c6b8d0f1g3',
  status: 'submitted',
  total: 100,
  concurrency: 10,
  counts: { pending: 60, scheduled: 2, running: 8, completed: 29, failed: 1, cancelled: 0 },
  createdAt: '2026-01-31T12:00:00.000Z',
  endedAt: null,
  retryOf: null,
  retriedAs: null,
}

/** A {@link batchRowsSchema} for the API’s document. */
export const BATCH_ROWS_EXAMPLE: z.input<typeof batchRowsSchema> = {
  id: BATCH_EXAMPLE.id,
  rows: [{ row: 1, jobId: JOB_EXAMPLE.id, status: 'completed' }],
}

/** A {@link submittedBatchSchema} for the API’s document. */
export const SUBMITTED_EXAMPLE: z.input<typeof submittedBatchSchema> = {
  batchId: BATCH_EXAMPLE.id,
  jobIds: [JOB_EXAMPLE.id],
  status: 'submitted',
}
