import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import type { LeftOut } from '../../protocol/left-out.ts'
import { leaseId } from '../journal/records.ts'

/** Whose output: a lease, and the peer that holds it. */
export interface OutputOwner {
  jobId: string
  fence: number
  requester: string
  /** One output of the job that goes elsewhere. @default what its requester fetches */
  sentName?: string
}

/** A tar, and what had no place in it once it has been read. */
export interface OutputTar {
  tar: Readable
  leftOut(): LeftOut[]
}

/** An output that waits for its requester. */
export interface KeptOutput {
  /** What of it was not kept, each with why. */
  leftOut: LeftOut[]
  /** Of the whole tar. */
  bytes: number
  /** Of the whole tar, hex. */
  sha256: string
}

const noteSchema = z.object({
  bytes: z.number().int().min(0),
  sha256: z.string(),
  keptAtMs: z.number(),
  /** Whose it is; absent in notes of older versions. */
  requester: z.string().optional(),
  /** The same on a clock that never jumps; absent in notes of older versions. */
  sinceBoot: z
    .strictObject({ bootId: z.string(), ms: z.number(), asleepMs: z.number().optional() })
    .nullable()
    .optional(),
  leftOut: z.array(z.object({ path: z.string(), reason: z.string() })).default([]),
})

/** What stands beside each tar. */
export type Note = z.output<typeof noteSchema>

/** Tars of outputs, each with its note; see {@link openSpoolFolder}. */
export interface SpoolFolder {
  /** Makes the folder; answers its notes by name, having removed what has none that can be read. */
  open(onUnreadable: (file: string, error: unknown) => void): Promise<Map<string, Note>>
  /**
   * Writes a tar, whole or not at all.
   * @param onBytes told how long it is so far; what it throws ends it
   */
  write(name: string, tar: OutputTar, onBytes: (bytes: number) => void, signal: AbortSignal): Promise<KeptOutput>
  /** From here on it is there, over restarts. */
  note(name: string, note: Note): Promise<void>
  /** The tar from a byte on. @param length of what is read. @default to its end */
  read(name: string, offset: number, length?: number): Promise<Readable>
  remove(name: string): Promise<void>
}

/** Touches nothing yet. */
export function openSpoolFolder(folder: string): SpoolFolder {
  const tarOf = (name: string): string => join(folder, `${name}.tar`)
  const noteOf = (name: string): string => join(folder, `${name}.json`)

  async function remove(name: string): Promise<void> {
    await rm(noteOf(name), { force: true })
    await rm(tarOf(name), { force: true })
  }

  return {
    remove,
    async open(onUnreadable) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const notes = new Map<string, Note>()
      for (const file of await readdir(folder)) {
        if (!file.endsWith('.json')) continue
        const name = file.slice(0, -'.json'.length)
        try {
          notes.set(name, noteSchema.parse(JSON.parse(await readFile(noteOf(name), 'utf8'))))
        } catch (error) {
          onUnreadable(file, error)
          await remove(name)
        }
      }
      // What has no note was being written when the last process ended: its container is still there.
      for (const file of await readdir(folder)) {
        if (!notes.has(file.replace(/\.(json|tar|tar\.part)$/, ''))) await rm(join(folder, file), { force: true })
      }
      return notes
    },
    async write(name, { tar, leftOut }, onBytes, signal) {
      const hash = createHash('sha256')
      let bytes = 0
      async function* counted(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
        for await (const chunk of source) {
          bytes += chunk.length
          onBytes(bytes)
          hash.update(chunk)
          yield chunk
        }
      }
      const part = `${tarOf(name)}.part`
      try {
        await pipeline(tar, counted, createWriteStream(part, { mode: 0o600 }), { signal })
        await rename(part, tarOf(name))
      } catch (error) {
        await rm(part, { force: true })
        throw error
      }
      return { bytes, sha256: hash.digest('hex'), leftOut: leftOut() }
    },
    note: async (name, note) => await writeFile(noteOf(name), JSON.stringify(note), { mode: 0o600 }),
    async read(name, offset, length) {
      const file = await open(tarOf(name))
      const end = length === undefined ? {} : { end: offset + length - 1 }
      return file.createReadStream({ start: offset, ...end, highWaterMark: 64 * 1024 })
    },
  }
}

/** A file's name that says nothing of whose it is, and that no two owners share. */
export function nameOf({ requester, jobId, fence, sentName }: OutputOwner): string {
  return createHash('sha256')
    .update(`${requester}!${leaseId(jobId, fence)}${sentName === undefined ? '' : `!${sentName}`}`)
    .digest('hex')
    .slice(0, 40)
}
