import { CliError } from './cli-error.ts'
import { type JobFlags, submissionOf } from './job-flags.ts'

/**
 * A submission for the schema: what the file says, and what the flags say over it.
 * @throws {CliError} where both the file and what the program reads are the standard input, or the file cannot be read
 */
export async function submissionFrom(
  image: string | undefined,
  words: string[],
  options: JobFlags & { file?: string },
): Promise<Record<string, unknown>> {
  if (options.file === '-' && options.interactive === true) {
    throw new CliError('-f - and -i both read the standard input: give the job in a file of its own', 1)
  }
  const given = submissionOf(image, words, options)
  if (options.file === undefined) return given
  const { readObject } = await import('./input-file.ts')
  return { ...(await readObject(options.file)), ...given }
}
