import { type Failure, failure } from '../../protocol/failures.ts'
import { type AskedInput, type BlobSource, inlineBlob, inputsAsked, type JobInput } from '../../protocol/job-inputs.ts'
import { plainDigest, type Uploads } from '../uploads/index.ts'
import type { Inputs } from './index.ts'

const FOLDER = 'A standard input must be a file, and this is a folder.'

/** Looks each input up where it is kept. @param uploads those of this peer; null where it has none */
export function createInputs(uploads: Pick<Uploads, 'find'> | null = null): Inputs {
  async function blobOf(owner: string, { path, from, field }: AskedInput): Promise<BlobSource | Failure> {
    if (from.inline !== undefined) return inlineBlob(from.inline)
    const { upload = '' } = from
    const sha256 = plainDigest(upload)
    const found = (await uploads?.find(owner, sha256)) ?? null
    const where = path ?? field
    if (found === null) {
      const details = { reason: 'upload-gone', path: where, upload }
      return failure('DATA_ERROR', `There is no upload ${upload} (${where}).`, details)
    }
    if (path === null && found.folder) return failure('DATA_ERROR', FOLDER, { reason: 'unsafe-archive', path: where })
    return { sha256, bytes: found.offset, folder: found.folder }
  }

  return {
    async resolve({ owner, spec }) {
      const inputs: JobInput[] = []
      for (const asked of inputsAsked(spec)) {
        const { path, writable } = asked
        const blob = await blobOf(owner, asked)
        if ('code' in blob) return blob
        inputs.push(path === null ? { path: '', stdin: true, writable, blob } : { path, writable, blob })
      }
      return inputs
    },
  }
}
