import { isDiskFull } from '../../node/system-problem.ts'
import { type FailureDetails, failure } from '../../protocol/failures.ts'

/** Why what a job brings did not come: rows of `DATA_ERROR` in `protocol/failures.ts`; null is the code's own. */
export type DataReason =
  | 'digest-mismatch'
  | 'unsafe-archive'
  | 'no-space'
  | 'larger-than-storage'
  | 'upload-gone'
  | 'url-not-given'
  | 'url-not-allowed'
  | 'url-unreachable'
  | 'url-too-slow'
  | 'git-not-found'
  | 'git-refused'
  | 'git-not-given'
  | 'git-submodule'
  | 'bucket-not-found'
  | 'bucket-refused'
  | 'bucket-elsewhere'
  | 'bucket-changed'
  | 'bucket-too-many'
  | 'bucket-not-given'
  | null

/** What a job brings did not come, or cannot be used. The message is for the job's owner. */
export class DataError extends Error {
  override readonly name = 'DataError'
  readonly details: FailureDetails

  /** @param said what is known beyond the row, to be read behind it in brackets */
  constructor(reason: DataReason, path: string, said = '') {
    const details = { ...(reason === null ? {} : { reason }), path }
    const { message } = failure('DATA_ERROR', undefined, details)
    const aside = said === '' ? path : `${path}: ${said}`
    super(message.replace(/\.$/, ` (${aside}).`))
    this.details = details
  }
}

/** What something that went wrong on the way means to the job's owner. */
export function dataErrorOf(error: unknown, path: string): DataError {
  if (error instanceof DataError) return error
  return new DataError(isDiskFull(error) ? 'no-space' : null, path)
}
