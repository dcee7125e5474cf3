/** What was given to this peer beforehand, for jobs to bring: files, and folders as tars, each under its digest. */

import type { Readable } from 'node:stream'
import type { JobSpec } from '../../protocol/job-spec.ts'

/** Something that was given, or is being given. */
export interface Upload {
  /** `upload_` and a ULID in lower case. */
  id: string
  /** Whose it is, as a job's owner is. */
  owner: string
  /** Whether it is a tar that stands for a folder; else it is a file. */
  folder: boolean
  /** For people; may be empty. */
  name: string
  /** How long it is to be, in bytes; null where nobody said, until it is complete. */
  length: number | null
  /** Bytes that are here. */
  offset: number
  /** Of all bytes, hex; null until it is complete. */
  sha256: string | null
  createdAtMs: number
  /** When something came, or it was used, last. */
  usedAtMs: number
}

/** What is said of an upload when it begins. */
export type NewUpload = Pick<Upload, 'owner' | 'folder' | 'name' | 'length'>

/** A job that is not there yet and may be any time: what it names is kept for it. */
export interface StillToRun {
  owner: string
  /** As much of it as is known. */
  spec: Pick<Partial<JobSpec>, 'inputs' | 'stdin' | 'imageFrom'>
}

/** Uploads of all owners; nobody is given another's. */
export interface Uploads {
  /** @throws {UploadError} `TOO_LARGE`, `TOO_MANY`, `NO_ROOM` */
  begin(upload: NewUpload): Promise<Upload>
  /**
   * Adds bytes, which are to go on where those that are here end. What came before the source broke is kept.
   *
   * @param isLast whether the upload is complete with them; where the same is here already, that one is answered
   * @throws {UploadError} `OFFSET`, `COMPLETE`, `BUSY`, `TOO_LARGE`, `NO_ROOM`, `GONE` @throws what the source ends with
   */
  append(
    place: { owner: string; id: string; offset: number },
    source: AsyncIterable<Uint8Array>,
    isLast: boolean,
  ): Promise<Upload>
  get(owner: string, id: string): Upload | null
  /** The complete one of that digest, which counts as a use of it; null where this owner has none. */
  find(owner: string, sha256: string): Promise<Upload | null>
  /**
   * The bytes of the complete one of that digest, from an offset on, which counts as a use of it; null where this owner has
   * none.
   */
  open(
    holder: Pick<Upload, 'owner'>,
    sha256: string,
    offset: number,
  ): Promise<{ bytes: number; stream: Readable } | null>
  /** Newest first. */
  list(owner: string): Upload[]
  /** False where there is none. */
  remove(owner: string, id: string): Promise<boolean>
  /**
   * From now on what these name counts as used for as long as they do, as what jobs name that have not ended: within the room
   * that its owner has. Where the source fails, nothing is forgotten.
   */
  keepFor(source: () => AsyncIterable<StillToRun>): void
  /** Forgets what is too old, as happens by itself every ten minutes: for a process that does not live as long. */
  forgetOld(): Promise<void>
}

/** Why something is not taken. */
export type UploadProblem = 'OFFSET' | 'COMPLETE' | 'BUSY' | 'TOO_LARGE' | 'TOO_MANY' | 'NO_ROOM' | 'GONE'

/** The message is for people. */
export class UploadError extends Error {
  override readonly name = 'UploadError'
  readonly code: UploadProblem

  constructor(code: UploadProblem, message: string) {
    super(message)
    this.code = code
  }
}

/** How long one is kept after its last use, in ms; what will still run uses what it names. */
export const UPLOAD_KEPT_MS = 24 * 3_600_000

/** Without the name of its algorithm. */
export function plainDigest(digest: string): string {
  return digest.slice('sha256:'.length)
}
