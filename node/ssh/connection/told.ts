import { toLine } from '../../../protocol/text.ts'
import { ReachError } from '../../reach/index.ts'
import { JobNotFoundError, JobStateError } from '../../store/index.ts'
import { SshRefusedError } from '../index.ts'
import { SftpError } from '../sftp/index.ts'

/** What `ssh` itself exits with where something is wrong with the connection. */
export const EXIT_FAILED = 255
/** What a shell exits with where there is no such program. */
const EXIT_NO_PROGRAM = 127

const MAX_LINE = 1024

const NO_SHELL =
  "this image has no shell, and ssh needs one (sh): 'cortex job exec' runs a program of the image, 'cortex job cp' copies files"

/** What a client is told of a failure, in one line, and what its command exits with. */
export function told(error: unknown): { line: string; exitCode: number } {
  if (error instanceof ReachError && error.code === 'BAD_COMMAND') return { line: NO_SHELL, exitCode: EXIT_NO_PROGRAM }
  const isKnown =
    error instanceof ReachError ||
    error instanceof SftpError ||
    error instanceof SshRefusedError ||
    error instanceof JobStateError ||
    error instanceof JobNotFoundError
  const text = isKnown ? error.message : 'the connection to the job broke: try again'
  return { line: toLine(text, MAX_LINE), exitCode: EXIT_FAILED }
}

told.tooLong = (): SshRefusedError =>
  new SshRefusedError('the command is longer than 16 KiB: send it as input, e.g. ssh JOB sh < script')
