import { z } from 'zod'
import { envChangesField, labelChangesField } from '../../protocol/job-fields.ts'
import { jobSubmissionSchema } from '../../protocol/job-spec.ts'
import { changesOf, partialOf } from './partial.ts'

export type { JobSubmission } from '../../protocol/job-spec.ts'

const submission = z.strictObject(jobSubmissionSchema.shape)

/** Any fields of a submission: what templates and schedules keep. */
export const configSchema = partialOf(submission).meta({ id: 'JobConfig' })

/** Changes to a configuration; what they make together with the rest is checked as a whole. */
export const overridesSchema = changesOf(
  z.strictObject({
    ...submission.shape,
    env: envChangesField,
    secrets: envChangesField,
    labels: labelChangesField,
  }),
).meta({
  id: 'JobOverrides',
  description: 'Null takes a field out, and null at a name of `env`, `secrets` or `labels` that name.',
})

/** What an answer shows of a configuration: never its secrets. */
export const shownConfigSchema = z
  .record(z.string(), z.unknown())
  .describe('Fields of a submission, without secrets and registry credentials.')
