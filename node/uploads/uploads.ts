import { ulid } from 'ulid'
import { formatBytes } from '../../protocol/units.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import type { JobStore } from '../store/index.ts'
import { type NewUpload, type Upload, UploadError, type Uploads } from './index.ts'
import { createNamedUploads } from './named.ts'
import { createSweeper } from './sweeper.ts'
import { createUploadBook } from './upload-book.ts'
import { createUploadFolder } from './upload-folder.ts'

/** How much is kept. */
export interface UploadsInit {
  /** Made where it is missing; one process at a time. */
  folder: string
  /** Of one owner, in bytes. @default 64 GiB */
  maxOwnerBytes?: number
  /** Of all owners together, in bytes. @default 256 GiB */
  maxTotalBytes?: number
  /** Of one owner. @default 10_000 */
  maxOwnerUploads?: number
}

/** Uploads in the hands of the node that starts and stops them. */
export interface RunningUploads extends Uploads {
  start(): Promise<void>
  stop(): Promise<void>
}

/** What {@link createUploads} works with. */
export interface UploadsComponents {
  store: Pick<JobStore, 'active'>
  clock: Clock
  logger: Logger
  /** Why nothing can be written to the disk; null while there is room. */
  refusal: () => Promise<string | null>
}

const GIB = 2 ** 30

/** Knows of none before it is started. */
export function createUploads(components: UploadsComponents, init: UploadsInit): RunningUploads {
  const { store, clock, logger, refusal } = components
  const { maxOwnerBytes = 64 * GIB, maxTotalBytes = 256 * GIB, maxOwnerUploads = 10_000 } = init
  const folder = createUploadFolder(init.folder)
  const book = createUploadBook({ folder, clock })
  const { all: uploads, of, own, complete, change, used, finish, remove } = book
  const busy = new Set<string>()
  const named = createNamedUploads(store)
  const sweeper = createSweeper({ book, named, read, isBusy: (id) => busy.has(id), clock, logger })

  const bytesOf = (some: Iterable<Upload>): number => [...some].reduce((sum, { offset }) => sum + offset, 0)

  /** @throws {UploadError} where so much more has no place */
  function assertFits(owner: string, bytes: number): void {
    if (bytesOf(of(owner)) + bytes > maxOwnerBytes) {
      const message = `Uploads of one owner may take ${formatBytes(maxOwnerBytes)} together: remove some`
      throw new UploadError('NO_ROOM', message)
    }
    if (bytesOf(uploads.values()) + bytes > maxTotalBytes) {
      throw new UploadError('NO_ROOM', 'There is no room for more uploads: try again later')
    }
  }

  async function assertDisk(): Promise<void> {
    const problem = await refusal()
    if (problem !== null) throw new UploadError('NO_ROOM', `There is no room for uploads: this node ${problem}`)
  }

  async function read({ owner }: Pick<Upload, 'owner'>, sha256: string, offset: number) {
    const upload = complete(owner, sha256)
    return upload === null ? null : { bytes: upload.offset, stream: folder.read(sha256, offset) }
  }

  return {
    async start() {
      const found = await folder.open((file, error) => {
        logger.warn({ file, error: String(error) }, 'forgetting an upload whose note cannot be read')
      })
      for (const upload of found) uploads.set(upload.id, upload)
      sweeper.start()
    },
    stop: sweeper.stop,
    keepFor: named.add,
    forgetOld: sweeper.now,
    async begin({ owner, folder: isFolder, name, length }: NewUpload) {
      if (length !== null && length > maxOwnerBytes) {
        throw new UploadError('TOO_LARGE', `An upload may have ${formatBytes(maxOwnerBytes)} at most`)
      }
      if (of(owner).length >= maxOwnerUploads) {
        throw new UploadError('TOO_MANY', `There are ${maxOwnerUploads} uploads already: remove some`)
      }
      assertFits(owner, length ?? 0)
      await assertDisk()
      const nowMs = clock.nowMs()
      const id = `upload_${ulid(nowMs).toLowerCase()}`
      const upload = { id, owner, folder: isFolder, name, length, offset: 0, sha256: null }
      return await change({ ...upload, createdAtMs: nowMs, usedAtMs: nowMs }, {})
    },
    async append({ owner, id, offset }, source, isLast) {
      const upload = own(owner, id)
      if (upload.sha256 !== null) {
        throw new UploadError(
          'COMPLETE',
          'The upload is complete, and nothing is added to it: begin another one for other bytes',
        )
      }
      if (offset !== upload.offset) {
        throw new UploadError('OFFSET', `The upload goes on at ${upload.offset}, not at ${offset}`)
      }
      if (busy.has(id)) throw new UploadError('BUSY', 'Something is being added to the upload already')
      busy.add(id)
      let now = upload
      try {
        await assertDisk()
        await folder.append(id, source, (bytes) => {
          if (now.length !== null && now.offset + bytes > now.length) {
            throw new UploadError('TOO_LARGE', `The upload was to have ${now.length} bytes, and there are more`)
          }
          assertFits(owner, bytes)
          now = { ...now, offset: now.offset + bytes }
          uploads.set(id, now)
        })
        if (!isLast) return await change(now, { usedAtMs: clock.nowMs() })
        if (now.length !== null && now.offset < now.length) {
          throw new UploadError('OFFSET', `The upload was to have ${now.length} bytes, and there are ${now.offset}`)
        }
        return await finish(now)
      } catch (error) {
        if (uploads.has(id)) await change(now, { offset: await folder.sizeOf(id), usedAtMs: clock.nowMs() })
        throw error
      } finally {
        busy.delete(id)
      }
    },
    get: (owner, id) => {
      const upload = uploads.get(id)
      return upload?.owner === owner ? upload : null
    },
    async find(owner, sha256) {
      const upload = complete(owner, sha256)
      return upload === null ? null : await used(upload)
    },
    list: (owner) => of(owner).toSorted((a, b) => (a.id < b.id ? 1 : -1)),
    async remove(owner, id) {
      const upload = uploads.get(id)
      if (upload?.owner !== owner || busy.has(id)) return false
      await remove(upload)
      return true
    },
    async open(holder, sha256, offset) {
      const upload = complete(holder.owner, sha256)
      if (upload !== null) await used(upload)
      return await read(holder, sha256, offset)
    },
  }
}
