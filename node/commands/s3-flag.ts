import type { JobSubmission } from '../../protocol/job-spec.ts'
import { readS3Text } from '../../protocol/s3-text.ts'
import { CliError } from './cli-error.ts'

type S3 = NonNullable<NonNullable<JobSubmission['inputs']>[number]['from']['s3']>

/**
 * Reads `s3://bucket/key` and what may stand behind it, as {@link readS3Text} does; null where it is something else.
 *
 * @param flag what it was given as, e.g. `--input`
 * @param secrets of the job, by name
 * @throws {CliError}
 */
export function s3Flag(flag: string, source: string, secrets: Readonly<Record<string, string>>): S3 | null {
  if (!source.startsWith('s3://')) return null
  const read = readS3Text(source, secrets)
  if (typeof read === 'string') throw new CliError(`${flag}: ${read}`, 125)
  return read
}
