import { type Failure, failure } from '../../protocol/failures.ts'
import type { GitSource } from '../../protocol/git-input.ts'
import {
  type AskedInput,
  type BlobSource,
  inlineBlob,
  inputsAsked,
  type JobInput,
  type UrlSource,
} from '../../protocol/job-inputs.ts'
import type { S3Source } from '../../protocol/s3-object.ts'
import type { Clock } from '../clock.ts'
import { deadline } from '../deadline.ts'
import type { JobRecord } from '../store/index.ts'
import { plainDigest, type Uploads } from '../uploads/index.ts'
import { outputGone, uploadGone } from './gone.ts'
import type { Inputs } from './index.ts'
import type { LeftOutputs } from './left-outputs.ts'
import { findSentImage } from './sent-image.ts'

const NO_UPLOADS: Pick<Uploads, 'find' | 'open'> = { find: async () => null, open: async () => null }

const FOLDER = 'A standard input must be a file, and this is a folder.'

/** Where what jobs name is kept. */
export interface KeptInputs {
  uploads: Pick<Uploads, 'find' | 'open'>
  /** What earlier jobs left. */
  left: LeftOutputs
  clock: Clock
}

/** Whose job brings something. */
type AskingJob = Pick<JobRecord, 'owner' | 'spec'>

type Source = { blob: BlobSource } | { url: UrlSource } | { s3: S3Source } | { git: GitSource }

/** Looks each input up where it is kept; what a URL, a bucket or a repository has is its provider's to fetch. @param kept of this peer; null where it keeps nothing */
export function createInputs(kept: KeptInputs | null = null): Inputs {
  async function uploaded(owner: string, where: string, upload: string): Promise<BlobSource | Failure> {
    const sha256 = plainDigest(upload)
    const found = (await kept?.uploads.find(owner, sha256)) ?? null
    if (found !== null) return { sha256, bytes: found.offset, folder: found.folder }
    return uploadGone(upload, where)
  }

  /** An output that is on its way is waited for as long as the job waits for a provider. */
  async function left(
    { owner, spec }: AskingJob,
    where: string,
    job: string,
    path: string | undefined,
    signal: AbortSignal,
  ) {
    if (kept === null) return outputGone('is no job of yours', where, job)
    const limit = deadline(kept.clock, spec.queueTimeout * 1000, signal)
    const found = await kept.left.blobOf(owner, { job, path }, limit.signal).finally(limit.clear)
    signal.throwIfAborted()
    return typeof found === 'string' ? outputGone(found, where, job) : found
  }

  async function blobOf(job: AskingJob, asked: AskedInput, signal: AbortSignal): Promise<BlobSource | Failure> {
    const { path, from, field } = asked
    const where = path ?? field
    if (from.inline !== undefined) return inlineBlob(from.inline)
    const blob =
      from.job === undefined
        ? await uploaded(job.owner, where, from.upload ?? '')
        : await left(job, where, from.job, from.path, signal)
    if ('code' in blob || path !== null || !blob.folder) return blob
    return failure('DATA_ERROR', FOLDER, { reason: 'unsafe-archive', path: where })
  }

  async function sourceOf(job: AskingJob, asked: AskedInput, signal: AbortSignal): Promise<Source | Failure> {
    const { url, sha256, s3, git } = asked.from
    if (git !== undefined) return { git }
    if (s3 !== undefined) return { s3 }
    if (url !== undefined) return { url: sha256 === undefined ? { url } : { url, sha256 } }
    const blob = await blobOf(job, asked, signal)
    return 'code' in blob ? blob : { blob }
  }

  return {
    async resolve(job, signal) {
      const inputs: JobInput[] = []
      for (const asked of inputsAsked(job.spec)) {
        const { path, writable } = asked
        const source = await sourceOf(job, asked, signal)
        if ('code' in source) return source
        inputs.push(path === null ? { path: '', stdin: true, writable, ...source } : { path, writable, ...source })
      }
      return inputs
    },
    async image({ owner, spec }) {
      const digest = spec.imageFrom?.upload ?? ''
      return await findSentImage(kept?.uploads ?? NO_UPLOADS, { owner, name: spec.image, digest })
    },
  }
}
