import { type Failure, failure } from '../../protocol/failures.ts'
import { type BlobSource, type InputSpec, inlineBlob, type JobInput } from '../../protocol/job-inputs.ts'
import { plainDigest, type Uploads } from '../uploads/index.ts'
import type { Inputs } from './index.ts'

/** Looks each input up where it is kept. @param uploads those of this peer; null where it has none */
export function createInputs(uploads: Pick<Uploads, 'find'> | null = null): Inputs {
  async function blobOf(owner: string, { path, from }: InputSpec): Promise<BlobSource | Failure> {
    if (from.inline !== undefined) return inlineBlob(from.inline)
    const { upload = '' } = from
    const sha256 = plainDigest(upload)
    const found = (await uploads?.find(owner, sha256)) ?? null
    if (found !== null) return { sha256, bytes: found.offset, folder: found.folder }
    return failure('DATA_ERROR', `There is no upload ${upload} (${path}).`, { reason: 'upload-gone', path, upload })
  }

  return {
    async resolve({ owner, spec }) {
      const inputs: JobInput[] = []
      for (const input of spec.inputs ?? []) {
        const blob = await blobOf(owner, input)
        if ('code' in blob) return blob
        inputs.push({ path: input.path, writable: input.mode === 'rw', blob })
      }
      return inputs
    },
  }
}
