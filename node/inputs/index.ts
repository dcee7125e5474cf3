import type { Readable } from 'node:stream'
import type { Failure } from '../../protocol/failures.ts'
import type { JobInput } from '../../protocol/job-inputs.ts'
import type { ResolvedImage } from '../../protocol/platforms.ts'
import type { SentImage } from '../../protocol/sent-image.ts'
import type { JobRecord } from '../store/index.ts'

/** An image of this peer's own, as one that a registry tells of, and its parts. */
export interface FoundImage {
  image: ResolvedImage
  sentImage: SentImage
}

/** What this peer's jobs bring: made out before anybody gets a job, and given to whoever holds its lease. */
export interface Inputs {
  /**
   * What a job's `inputs` come to; a failure where something that it names is not here.
   * @throws what the signal aborts with
   */
  resolve(job: Pick<JobRecord, 'owner' | 'spec'>, signal: AbortSignal): Promise<JobInput[] | Failure>
  /** What a job's `imageFrom` comes to; a failure where something of it is not here, or cannot be run. */
  image(job: Pick<JobRecord, 'owner' | 'spec'>): Promise<FoundImage | Failure>
}

/** Where the bytes of what jobs bring are. */
export interface InputSource {
  /** The bytes of a blob that the job brings, from an offset on; null where they are not here any more. */
  open(job: JobRecord, sha256: string, offset: number): Promise<{ bytes: number; stream: Readable } | null>
}
