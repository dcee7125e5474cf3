/** What containers left at their end, kept in files until their requesters have it: see docs/decisions/0022-outputs.md. */

import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { elapsedSince, momentNow } from '../../node/moment.ts'
import type { LeftOut } from '../../protocol/left-out.ts'
import { leaseId } from '../journal/records.ts'

/** Whose output: a lease, and the peer that holds it. */
export interface OutputOwner {
  jobId: string
  fence: number
  requester: string
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

/** Files of outputs in one folder, each with a note beside it. */
export interface OutputSpool {
  /** The most that one output's files may hold together, in bytes. */
  readonly maxOutputBytes: number
  /** Makes the folder, and forgets what is too old. */
  start(): Promise<void>
  /**
   * Writes a tar down. Repeating it answers the first one.
   * @param maxBytes beyond it nothing is kept, beside the spool's own bounds
   * @throws {OutputProblem}
   */
  keep(owner: OutputOwner, tar: () => Promise<OutputTar>, maxBytes: number, signal: AbortSignal): Promise<KeptOutput>
  /** Null where there is none. */
  find(owner: OutputOwner): Promise<KeptOutput | null>
  /** The tar from a byte on. */
  read(owner: OutputOwner, offset: number): Promise<Readable>
  drop(owner: OutputOwner): Promise<void>
}

/** Where outputs are kept, and how much and how long. */
export interface OutputSpoolInit {
  folder: string
  /** The largest tar, in bytes. */
  maxOutputBytes: number
  /** All of them together, in bytes. */
  maxSpoolBytes: number
  /** How long one waits for its requester, in ms. */
  retentionMs: number
}

/** Why an output was not kept; the message is for the job's owner. */
export class OutputProblem extends Error {
  override readonly name = 'OutputProblem'
}

const MIB = 2 ** 20

const noteSchema = z.object({
  bytes: z.number().int().min(0),
  sha256: z.string(),
  keptAtMs: z.number(),
  /** The same on a clock that never jumps; absent in notes of older versions. */
  sinceBoot: z
    .strictObject({ bootId: z.string(), ms: z.number(), asleepMs: z.number().optional() })
    .nullable()
    .optional(),
  leftOut: z.array(z.object({ path: z.string(), reason: z.string() })).default([]),
})
type Note = z.output<typeof noteSchema>

/** Knows of none before {@link OutputSpool.start}. */
export function createOutputSpool(components: { clock: Clock; logger: Logger }, init: OutputSpoolInit): OutputSpool {
  const { clock, logger } = components
  const { folder, maxOutputBytes, maxSpoolBytes, retentionMs } = init
  const notes = new Map<string, Note>()
  /** Being written, in bytes so far. */
  const writing = new Map<string, number>()

  const tarOf = (name: string): string => join(folder, `${name}.tar`)
  const noteOf = (name: string): string => join(folder, `${name}.json`)
  const held = (): number =>
    [...notes.values()].reduce((sum, { bytes }) => sum + bytes, 0) + [...writing.values()].reduce((a, b) => a + b, 0)

  async function forget(name: string): Promise<void> {
    notes.delete(name)
    await rm(noteOf(name), { force: true })
    await rm(tarOf(name), { force: true })
  }

  async function forgetOld(): Promise<void> {
    for (const [name, { keptAtMs, sinceBoot = null }] of notes) {
      if (elapsedSince(clock, { wallMs: keptAtMs, sinceBoot }) > retentionMs) await forget(name)
    }
  }

  async function write(
    name: string,
    { tar, leftOut }: OutputTar,
    limitBytes: number,
    signal: AbortSignal,
  ): Promise<KeptOutput> {
    const hash = createHash('sha256')
    let bytes = 0
    async function* counted(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const chunk of source) {
        bytes += chunk.length
        writing.set(name, bytes)
        if (bytes > limitBytes) {
          throw new OutputProblem(`The outputs are larger than the ${Math.floor(limitBytes / MIB)} MiB that are kept`)
        }
        if (held() > maxSpoolBytes) throw new OutputProblem('The provider has no room for the outputs')
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
    } finally {
      writing.delete(name)
    }
    return { bytes, sha256: hash.digest('hex'), leftOut: leftOut() }
  }

  return {
    // Names and frames of a tar take some, too.
    maxOutputBytes: maxOutputBytes - Math.floor(maxOutputBytes / 16),

    async start() {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      for (const file of await readdir(folder)) {
        if (!file.endsWith('.json')) continue
        const name = file.slice(0, -'.json'.length)
        try {
          notes.set(name, noteSchema.parse(JSON.parse(await readFile(noteOf(name), 'utf8'))))
        } catch (error) {
          logger.warn({ file, error: String(error) }, 'forgetting an output whose note cannot be read')
          await forget(name)
        }
      }
      // What has no note was being written when the last process ended: its container is still there.
      for (const file of await readdir(folder)) {
        if (!notes.has(file.replace(/\.(json|tar|tar\.part)$/, ''))) await rm(join(folder, file), { force: true })
      }
      await forgetOld()
    },

    async keep(owner, tar, maxBytes, signal) {
      const name = nameOf(owner)
      const known = notes.get(name)
      if (known !== undefined) return known
      await forgetOld()
      try {
        const kept = await write(name, await tar(), Math.min(maxBytes, maxOutputBytes), signal)
        const { wallMs, sinceBoot } = momentNow(clock)
        const note = { ...kept, keptAtMs: wallMs, sinceBoot }
        await writeFile(noteOf(name), JSON.stringify(note), { mode: 0o600 })
        notes.set(name, note)
        return kept
      } catch (error) {
        signal.throwIfAborted()
        if ((error as NodeJS.ErrnoException).code === 'ENOSPC') {
          throw new OutputProblem('The provider has no room for the outputs', { cause: error })
        }
        throw error
      }
    },

    async find(owner) {
      return notes.get(nameOf(owner)) ?? null
    },

    async read(owner, offset) {
      const file = await open(tarOf(nameOf(owner)))
      return file.createReadStream({ start: offset, highWaterMark: 64 * 1024 })
    },

    drop: async (owner) => await forget(nameOf(owner)),
  }
}

/** A file's name that says nothing of whose it is, and that no two owners share. */
function nameOf({ requester, jobId, fence }: OutputOwner): string {
  return createHash('sha256')
    .update(`${requester}!${leaseId(jobId, fence)}`)
    .digest('hex')
    .slice(0, 40)
}
