import { ulid } from 'ulid'
import { inputsAsked } from '../../protocol/job-inputs.ts'
import { partsOf } from '../../protocol/sent-image.ts'
import { formatBytes } from '../../protocol/units.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import type { JobStore } from '../store/index.ts'
import { type NewUpload, plainDigest, UPLOAD_KEPT_MS, type Upload, UploadError, type Uploads } from './index.ts'
import { createUploadBook } from './upload-book.ts'
import { createUploadFolder } from './upload-folder.ts'

/** How often what is too old is looked for, in ms. */
const SWEEP_MS = 600_000

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
  const { all: uploads, of, own, complete, change, used, remove, finish } = book
  const busy = new Set<string>()
  const scope = new AbortController()
  let sweeping: Promise<void> = Promise.resolve()

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

  async function sweep(): Promise<void> {
    const kept = await needed(store)
    for (const upload of uploads.values()) {
      const isOld = clock.nowMs() - upload.usedAtMs > UPLOAD_KEPT_MS
      if (isOld && !busy.has(upload.id) && !kept.has(`${upload.owner} ${upload.sha256}`)) await remove(upload)
    }
  }

  return {
    async start() {
      const found = await folder.open((file, error) => {
        logger.warn({ file, error: String(error) }, 'forgetting an upload whose note cannot be read')
      })
      for (const upload of found) uploads.set(upload.id, upload)
      sweeping = (async () => {
        while (!scope.signal.aborted) {
          await sweep().catch((error) => logger.error({ error: String(error) }, 'old uploads were not looked for'))
          await clock.sleep(SWEEP_MS, scope.signal).catch(() => undefined) // stopped: the loop ends
        }
      })()
    },
    async stop() {
      scope.abort(new Error('The node is stopping'))
      await sweeping
    },
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
      if (upload.sha256 !== null || offset !== upload.offset) {
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
    async open({ owner }, sha256, offset) {
      const upload = complete(owner, sha256)
      if (upload === null) return null
      await used(upload)
      return { bytes: upload.offset, stream: folder.read(sha256, offset) }
    },
  }
}

/** Owner and digest of what jobs bring that have not ended. */
async function needed(store: UploadsComponents['store']): Promise<Set<string>> {
  const names = new Set<string>()
  for await (const { owner, spec, inputs = [], sentImage } of store.active()) {
    for (const { blob } of inputs) if (blob !== undefined) names.add(`${owner} ${blob.sha256}`)
    for (const { from } of inputsAsked(spec)) {
      if (from.upload !== undefined) names.add(`${owner} ${plainDigest(from.upload)}`)
    }
    if (spec.imageFrom !== undefined) names.add(`${owner} ${plainDigest(spec.imageFrom.upload)}`)
    for (const { sha256 } of sentImage === undefined ? [] : partsOf(sentImage)) names.add(`${owner} ${sha256}`)
  }
  return names
}
