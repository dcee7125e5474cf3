import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { z } from 'zod'
import { hashFile } from '../hash-file.ts'
import type { Upload } from './index.ts'

/** Read from the disk at a time, in bytes. */
const READ_BYTES = 256 * 1024

/** What a note of an upload says. */
export const noteSchema = z.object({
  id: z.string(),
  owner: z.string(),
  folder: z.boolean(),
  name: z.string(),
  length: z.number().int().min(0).nullable(),
  sha256: z.string().nullable(),
  createdAtMs: z.number(),
  usedAtMs: z.number(),
})

/** Files of uploads: `ID.json` says what it is, `ID.part` holds what came so far, `SHA256.blob` what is complete. */
export interface UploadFolder {
  /** Makes the folder; answers what is in it, and removes what belongs to nothing. */
  open(onUnreadable: (file: string, error: unknown) => void): Promise<Upload[]>
  note(upload: Upload): Promise<void>
  /** Adds to what came so far. @param onBytes told of each piece before it is written; what it throws ends it */
  append(id: string, source: AsyncIterable<Uint8Array>, onBytes: (bytes: number) => void): Promise<void>
  /** What came so far, in bytes. */
  sizeOf(id: string): Promise<number>
  /** All of it is there: its digest, under which it is from now on. */
  complete(id: string): Promise<string>
  read(sha256: string, offset: number): Readable
  /** @param blob the digest of what nobody has any more */
  remove(id: string, blob: string | null): Promise<void>
}

/** Touches nothing yet. */
export function createUploadFolder(folder: string): UploadFolder {
  const noteOf = (id: string): string => join(folder, `${id}.json`)
  const partOf = (id: string): string => join(folder, `${id}.part`)
  const blobOf = (sha256: string): string => join(folder, `${sha256}.blob`)
  /** Of those to which something was added by this process, so that nothing is read twice. */
  const hashes = new Map<string, { hash: Hash; bytes: number }>()

  async function sizeOf(id: string): Promise<number> {
    return (await stat(partOf(id)).catch(() => null))?.size ?? 0
  }

  async function hashOf(id: string): Promise<{ hash: Hash; bytes: number }> {
    const bytes = await sizeOf(id)
    const known = hashes.get(id)
    if (known?.bytes === bytes) return known
    const fresh = { hash: createHash('sha256'), bytes }
    if (bytes > 0) await hashFile(partOf(id), fresh.hash)
    hashes.set(id, fresh)
    return fresh
  }

  async function readNote(file: string): Promise<Upload> {
    const note = noteSchema.parse(JSON.parse(await readFile(join(folder, file), 'utf8')))
    return { ...note, offset: note.sha256 === null ? await sizeOf(note.id) : (note.length ?? 0) }
  }

  return {
    sizeOf,
    async open(onUnreadable) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const uploads: Upload[] = []
      const files = await readdir(folder)
      for (const file of files.filter((name) => name.endsWith('.json'))) {
        try {
          uploads.push(await readNote(file))
        } catch (error) {
          onUnreadable(file, error)
          await rm(join(folder, file), { force: true })
        }
      }
      const kept = new Set(uploads.flatMap(({ id, sha256 }) => [`${id}.json`, `${id}.part`, `${sha256}.blob`]))
      for (const file of files) if (!kept.has(file)) await rm(join(folder, file), { force: true })
      return uploads
    },
    async note({ offset: _read, ...upload }) {
      await writeFile(noteOf(upload.id), JSON.stringify(upload), { mode: 0o600 })
    },
    async append(id, source, onBytes) {
      const state = await hashOf(id)
      await using file = await open(partOf(id), 'a', 0o600)
      for await (const chunk of source) {
        onBytes(chunk.length)
        await file.appendFile(chunk)
        state.hash.update(chunk)
        state.bytes += chunk.length
      }
      await file.sync()
    },
    async complete(id) {
      const { hash } = await hashOf(id)
      hashes.delete(id)
      const sha256 = hash.digest('hex')
      await writeFile(partOf(id), '', { flag: 'a', mode: 0o600 })
      await rename(partOf(id), blobOf(sha256))
      return sha256
    },
    read: (sha256, offset) => createReadStream(blobOf(sha256), { start: offset, highWaterMark: READ_BYTES }),
    async remove(id, blob) {
      hashes.delete(id)
      await rm(noteOf(id), { force: true })
      await rm(partOf(id), { force: true })
      if (blob !== null) await rm(blobOf(blob), { force: true })
    },
  }
}
