import { z } from 'zod'
import { jobSubmissionSchema } from '../../protocol/job-spec.ts'
import { partialOf } from '../partial.ts'

/** Any fields of a submission; what they make together with the rest is checked as a whole. */
export const overridesSchema = partialOf(z.strictObject(jobSubmissionSchema.shape)).meta({ id: 'JobOverrides' })

/** What an answer shows of a configuration: never its secrets. */
export const shownConfigSchema = z
  .record(z.string(), z.unknown())
  .describe('Fields of a submission, without secrets and registry credentials.')
