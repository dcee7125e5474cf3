/** What containers left at their end, kept in files until their requesters have it: see docs/decisions/0022-outputs.md. */

import type { Readable } from 'node:stream'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { elapsedSince, momentNow } from '../../node/moment.ts'
import {
  type KeptOutput,
  type Note,
  nameOf,
  type OutputOwner,
  type OutputTar,
  openSpoolFolder,
} from './spool-folder.ts'

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

/** Knows of none before {@link OutputSpool.start}. */
export function createOutputSpool(components: { clock: Clock; logger: Logger }, init: OutputSpoolInit): OutputSpool {
  const { clock, logger } = components
  const { folder, maxOutputBytes, maxSpoolBytes, retentionMs } = init
  const files = openSpoolFolder(folder)
  const notes = new Map<string, Note>()
  /** Being written, in bytes so far. */
  const writing = new Map<string, number>()

  const held = (): number =>
    [...notes.values()].reduce((sum, { bytes }) => sum + bytes, 0) + [...writing.values()].reduce((a, b) => a + b, 0)

  async function forget(name: string): Promise<void> {
    notes.delete(name)
    await files.remove(name)
  }

  async function forgetOld(): Promise<void> {
    for (const [name, { keptAtMs, sinceBoot = null }] of notes) {
      if (elapsedSince(clock, { wallMs: keptAtMs, sinceBoot }) > retentionMs) await forget(name)
    }
  }

  /** @throws {OutputProblem} where so much of an output, or of all of them, is not kept */
  function assertFits(name: string, bytes: number, limitBytes: number): void {
    writing.set(name, bytes)
    if (bytes > limitBytes) {
      throw new OutputProblem(`The outputs are larger than the ${Math.floor(limitBytes / MIB)} MiB that are kept`)
    }
    if (held() > maxSpoolBytes) throw new OutputProblem('The provider has no room for the outputs')
  }

  return {
    // Names and frames of a tar take some, too.
    maxOutputBytes: maxOutputBytes - Math.floor(maxOutputBytes / 16),

    async start() {
      const found = await files.open((file, error) => {
        logger.warn({ file, error: String(error) }, 'forgetting an output whose note cannot be read')
      })
      for (const [name, note] of found) notes.set(name, note)
      await forgetOld()
    },

    async keep(owner, tar, maxBytes, signal) {
      const name = nameOf(owner)
      const known = notes.get(name)
      if (known !== undefined) return known
      await forgetOld()
      try {
        const limitBytes = Math.min(maxBytes, maxOutputBytes)
        const onBytes = (bytes: number): void => assertFits(name, bytes, limitBytes)
        const kept = await files.write(name, await tar(), onBytes, signal)
        const { wallMs, sinceBoot } = momentNow(clock)
        const note = { ...kept, keptAtMs: wallMs, sinceBoot }
        await files.note(name, note)
        notes.set(name, note)
        return kept
      } catch (error) {
        signal.throwIfAborted()
        if ((error as NodeJS.ErrnoException).code === 'ENOSPC') {
          throw new OutputProblem('The provider has no room for the outputs', { cause: error })
        }
        throw error
      } finally {
        writing.delete(name)
      }
    },

    async find(owner) {
      return notes.get(nameOf(owner)) ?? null
    },

    async read(owner, offset) {
      return await files.read(nameOf(owner), offset)
    },

    drop: async (owner) => await forget(nameOf(owner)),
  }
}
