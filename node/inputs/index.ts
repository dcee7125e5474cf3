import type { Readable } from 'node:stream'
import type { Failure } from '../../protocol/failures.ts'
import type { JobInput } from '../../protocol/job-inputs.ts'
import type { JobRecord } from '../store/index.ts'

/** What this peer's jobs bring: made out before anybody gets a job, and given to whoever holds its lease. */
export interface Inputs {
  /**
   * What a job's `inputs` come to; a failure where something that it names is not here.
   * @throws what the signal aborts with
   */
  resolve(job: JobRecord, signal: AbortSignal): Promise<JobInput[] | Failure>
}

/** Where the bytes of what jobs bring are. */
export interface InputSource {
  /** The bytes of a blob that the job brings, from an offset on; null where they are not here any more. */
  open(job: JobRecord, sha256: string, offset: number): Promise<{ bytes: number; stream: Readable } | null>
}
