import { fieldErrors, type JobSpec, jobSubmissionSchema } from '../../protocol/job-spec.ts'
import { CliError, MARKET_FAILED } from './cli-error.ts'

/** @throws {CliError} naming the first field that is wrong; its exit code is that of a market that found nobody */
export function parseSubmission(submission: unknown): JobSpec {
  const parsed = jobSubmissionSchema.safeParse(submission)
  if (parsed.success) return parsed.data
  const [first] = fieldErrors(parsed.error)
  throw new CliError(`${first?.path ?? 'job'} ${first?.message ?? 'is not valid'}`, MARKET_FAILED)
}
