/** What containers left at their end, kept in files until their requesters have it: see docs/decisions/0022-outputs.md. */

import type { Readable } from 'node:stream'
import type { Clock } from '../../node/clock.ts'
import { freeBytesAt, roomAt } from '../../node/disk.ts'
import type { Logger } from '../../node/logger.ts'
import { elapsedSince, momentNow } from '../../node/moment.ts'
import { isDiskFull } from '../../node/system-problem.ts'
import { shownBytes } from '../../protocol/units.ts'
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
  /** The tar from a byte on. @param length of what is read, at least one byte. @default to its end */
  read(owner: OutputOwner, offset: number, length?: number): Promise<Readable>
  drop(owner: OutputOwner): Promise<void>
}

/** Where outputs are kept, and how much and how long. */
export interface OutputSpoolInit {
  folder: string
  /** All of them together, in bytes. @default a tenth of the disk */
  roomBytes?: number | undefined
  /** What stays free of the disk, in bytes. @default 0 */
  minFreeBytes?: number
  /** How long one waits for its requester, in ms. */
  retentionMs: number
}

/** Why an output was not kept; the message is for the job's owner. */
export class OutputProblem extends Error {
  override readonly name = 'OutputProblem'
}

function noRoom(cause?: unknown): OutputProblem {
  const message = 'The provider has no room for the outputs, which its owner gives with --output-room'
  return new OutputProblem(message, { cause })
}

/** Knows of none before {@link OutputSpool.start}. */
export function createOutputSpool(components: { clock: Clock; logger: Logger }, init: OutputSpoolInit): OutputSpool {
  const { clock, logger } = components
  const { folder, roomBytes, minFreeBytes = 0, retentionMs } = init
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
  function assertFits(name: string, bytes: number, limits: { ownBytes: number; allBytes: number }): void {
    writing.set(name, bytes)
    if (bytes > limits.ownBytes) {
      throw new OutputProblem(`The outputs are larger than the ${shownBytes(limits.ownBytes)} that are kept`)
    }
    if (held() > limits.allBytes) throw noRoom()
  }

  /** What there may be of all, of which the disk has to have what is not there yet. */
  async function allBytes(): Promise<number> {
    const free = Math.max(0, (await freeBytesAt(folder)) - minFreeBytes)
    return Math.min(await roomAt(folder, roomBytes), held() + free)
  }

  return {
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
        const limits = { ownBytes: maxBytes, allBytes: await allBytes() }
        const onBytes = (bytes: number): void => assertFits(name, bytes, limits)
        const kept = await files.write(name, await tar(), onBytes, signal)
        const { wallMs, sinceBoot } = momentNow(clock)
        const note = { ...kept, keptAtMs: wallMs, sinceBoot }
        await files.note(name, note)
        notes.set(name, note)
        return kept
      } catch (error) {
        signal.throwIfAborted()
        if (isDiskFull(error)) throw noRoom(error)
        throw error
      } finally {
        writing.delete(name)
      }
    },

    async find(owner) {
      return notes.get(nameOf(owner)) ?? null
    },

    async read(owner, offset, length) {
      return await files.read(nameOf(owner), offset, length)
    },

    drop: async (owner) => await forget(nameOf(owner)),
  }
}
