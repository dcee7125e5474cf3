import { z } from 'zod'
import { envChangesField, labelChangesField } from '../../protocol/job-fields.ts'
import { jobSubmissionSchema } from '../../protocol/job-spec.ts'
import { changesOf, partialOf } from './partial.ts'

export type { JobSubmission } from '../../protocol/job-spec.ts'

/** A job, as it is submitted. */
export const submissionSchema = jobSubmissionSchema.meta({
  id: 'JobSubmission',
  description: 'A job, as it is submitted; only `image` is needed.',
})

const submission = z.strictObject(jobSubmissionSchema.shape)

/** Any fields of a submission: what templates and schedules keep. */
export const configSchema = partialOf(submission).meta({
  id: 'JobConfig',
  description: 'Fields of a submission; together with the defaults they make a valid job.',
})

/** Changes to a configuration; what they make together with the rest is checked as a whole. */
export const overridesSchema = changesOf(
  z.strictObject({
    ...submission.shape,
    env: envChangesField.describe('Environment variables to set, by name; null takes one out.'),
    secrets: envChangesField.describe('The same of those whose values are kept sealed, and never shown.'),
    labels: labelChangesField.describe('Labels to set, by name; null takes one out.'),
  }),
).meta({
  id: 'JobOverrides',
  description: 'Null takes a field out, and null at a name of `env`, `secrets` or `labels` that name.',
})

/** What an answer shows of a configuration: never its secrets. */
export const shownConfigSchema = z
  .record(z.string(), z.unknown())
  .describe('Fields of a submission, without secrets and registry credentials.')

/** What an answer does not show of a configuration, by its names. */
export const hiddenSchema = z
  .strictObject({
    secrets: z.array(z.string()).describe('Names of its secrets.'),
    registryCredentials: z.boolean().describe('Whether it has any.'),
  })
  .nullable()
