/** Where what a lease brings is, in names that say nothing of it. */

import { createHash } from 'node:crypto'
import { type BlobSource, isFolder, type JobInput } from '../../protocol/job-inputs.ts'
import { partsOf } from '../../protocol/sent-image.ts'
import { INPUT_PREFIX } from '../engine/input-volumes.ts'
import type { LeaseRecord } from '../journal/records.ts'

/** Names of parts of images begin so: they are files of the agent’s own, and no volumes. */
export const PART_PREFIX = 'image-part-'

/** The volume of an input. */
export interface InputPlace {
  volume: string
  /** What is in it, as its label says. */
  content: string
  /** Whether it is of this lease alone, and goes with it: nobody can say what is in it before it came. */
  isOwn: boolean
  /** Under which its requester asks for it, see {@link heldMark}; absent where it does not say. */
  mark?: string
}

/** Of a text, for a name on the engine or the disk that says nothing of it. */
export function shortDigest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 40)
}

/** A volume for one requester, so that nobody is given what another brought. @param owner peer id of the agent */
export function volumeOf(owner: string, requester: string, content: string): string {
  return `${INPUT_PREFIX}${shortDigest(`${owner} ${requester} ${content}`)}`
}

/** The volume that a lease has of one of its inputs for itself: a copy that it may write, or what nobody else is given. */
export function ownVolume({ requester, jobId, fence }: LeaseRecord, index: number): string {
  return `${INPUT_PREFIX}own-${shortDigest(`${requester} ${jobId} ${fence} ${index}`)}`
}

/** Where each of a lease's inputs is put. @param owner peer id of the agent */
export function placesOf(owner: string, record: LeaseRecord): InputPlace[] {
  return (record.job.inputs ?? []).map((input, index) => {
    const content = contentOf(input)
    if (content === null) {
      return { volume: ownVolume(record, index), content: isFolder(input) ? 'folder' : 'file', isOwn: true }
    }
    return {
      volume: volumeOf(owner, record.requester, content),
      content,
      isOwn: false,
      ...heldMarkOf(record, input.blob),
    }
  })
}

/** What a requester's mark of a blob is here: everybody hears its requests, and nobody else is to find out what it brought. */
export function heldMark(requester: string, mark: string): string {
  return shortDigest(`${requester} mark ${mark}`)
}

/** That of a blob; nothing where its requester is of an older version. */
export function heldMarkOf(
  { requester }: Pick<LeaseRecord, 'requester'>,
  blob: BlobSource | undefined,
): { mark?: string } {
  return blob?.mark === undefined ? {} : { mark: heldMark(requester, blob.mark) }
}

/** Whether the lease has a volume of its own of it. */
export function hasOwnVolume(input: JobInput): boolean {
  return input.writable || contentOf(input) === null
}

/** What it holds; null where only its source can say. A URL whose digest is told is as good as a file that was given. */
function contentOf({ blob, url, s3, git }: JobInput): string | null {
  if (blob !== undefined) return `${blob.folder ? 'folder' : 'file'}-${blob.sha256}`
  return s3 !== undefined || git !== undefined || url.sha256 === undefined ? null : `file-${url.sha256}`
}

/** Where a part of a requester's image is kept, for that one alone. */
export function partNameOf(requester: string, { sha256 }: Pick<BlobSource, 'sha256'>): string {
  return `${PART_PREFIX}${shortDigest(`${requester} ${sha256}`)}`
}

/** Where all parts of an image that a lease brings are kept; none where a registry has its image. */
export function partNamesOf({ requester, job }: LeaseRecord): string[] {
  return job.sentImage === undefined ? [] : partsOf(job.sentImage).map((part) => partNameOf(requester, part))
}
