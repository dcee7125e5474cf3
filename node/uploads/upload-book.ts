import type { Clock } from '../clock.ts'
import type { Upload } from './index.ts'
import { UploadError } from './index.ts'
import type { UploadFolder } from './upload-folder.ts'

/** How long a use of an upload may go unwritten, in ms. */
const USE_MS = 60_000

/** What is known of all uploads; every change of it is on the disk when it resolves. */
export interface UploadBook {
  /** By id. */
  readonly all: Map<string, Upload>
  of(owner: string): Upload[]
  /** @throws {UploadError} `GONE` where this owner has none of that id */
  own(owner: string, id: string): Upload
  /** The complete one of that digest; null where this owner has none. */
  complete(owner: string, sha256: string): Upload | null
  change(upload: Upload, fields: Partial<Upload>): Promise<Upload>
  used(upload: Upload): Promise<Upload>
  remove(upload: Upload): Promise<void>
  /** All of its bytes are there. Where the same is here already, that one is answered, and this one is gone. */
  finish(upload: Upload): Promise<Upload>
}

/** Empty. */
export function createUploadBook({ folder, clock }: { folder: UploadFolder; clock: Clock }): UploadBook {
  const uploads = new Map<string, Upload>()
  const of = (owner: string): Upload[] => [...uploads.values()].filter((upload) => upload.owner === owner)

  function own(owner: string, id: string): Upload {
    const upload = uploads.get(id)
    if (upload?.owner !== owner) throw new UploadError('GONE', 'There is no such upload')
    return upload
  }

  async function change(upload: Upload, fields: Partial<Upload>): Promise<Upload> {
    const changed = { ...upload, ...fields }
    uploads.set(upload.id, changed)
    await folder.note(changed)
    return changed
  }

  async function used(upload: Upload): Promise<Upload> {
    const nowMs = clock.nowMs()
    return nowMs - upload.usedAtMs < USE_MS ? upload : await change(upload, { usedAtMs: nowMs })
  }

  const complete = (owner: string, sha256: string): Upload | null =>
    of(owner).find((upload) => upload.sha256 === sha256) ?? null

  async function remove(upload: Upload): Promise<void> {
    uploads.delete(upload.id)
    const isLast = ![...uploads.values()].some(({ sha256 }) => sha256 === upload.sha256)
    await folder.remove(upload.id, isLast ? upload.sha256 : null)
  }

  async function finish(upload: Upload): Promise<Upload> {
    const sha256 = await folder.complete(upload.id)
    const known = complete(upload.owner, sha256)
    if (known === null) return await change(upload, { sha256, length: upload.offset, usedAtMs: clock.nowMs() })
    await remove({ ...upload, sha256: null })
    return await change(known, { folder: upload.folder, name: upload.name, usedAtMs: clock.nowMs() })
  }

  return { all: uploads, of, own, complete, change, used, remove, finish }
}
