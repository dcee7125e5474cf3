/** What containers left at their end, kept in files until their requesters have it: see docs/decisions/0022-outputs.md. */

import type { Readable } from 'node:stream'
import type { Clock } from '../../node/clock.ts'
import { freeBytesAt, roomAt } from '../../node/disk.ts'
import type { Logger } from '../../node/logger.ts'
import { elapsedSince, momentNow } from '../../node/moment.ts'
import { isDiskFull } from '../../node/system-problem.ts'
import { OUTPUT_PROBLEMS } from '../../protocol/output-problems.ts'
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
  /** Share of the room that one requester may have at most, above 0 up to 1; half of it is never more. @default 1 */
  maxClientShare?: number
  /** Peer ids of requesters that may have all of it: the owner's own. @default [] */
  ownRequesters?: readonly string[]
  /** How long one waits for its requester, in ms. */
  retentionMs: number
}

/** Why an output was not kept; the message is for the job's owner. */
export class OutputProblem extends Error {
  override readonly name = 'OutputProblem'
}

function noRoom(cause?: unknown): OutputProblem {
  return new OutputProblem(OUTPUT_PROBLEMS['room-full'].message, { cause })
}

/** Share of the room that outputs of one requester may have at most, whatever it may hold of the machine: as of kept volumes. */
const OWN_SHARE = 0.5

/** Most bytes of one output, of all, and of those of its requester. */
interface Limits {
  ownBytes: number
  allBytes: number
  shareBytes: number
}

/** Knows of none before {@link OutputSpool.start}. */
export function createOutputSpool(components: { clock: Clock; logger: Logger }, init: OutputSpoolInit): OutputSpool {
  const { clock, logger } = components
  const { folder, roomBytes, minFreeBytes = 0, retentionMs, maxClientShare = 1, ownRequesters = [] } = init
  const files = openSpoolFolder(folder)
  const notes = new Map<string, Note>()
  /** Being written, with their bytes so far. */
  const writing = new Map<string, Pick<Note, 'bytes' | 'requester'>>()

  /** @param requester whose. @default everybody's */
  function held(requester?: string): number {
    const all = [...notes.values(), ...writing.values()]
    const some = requester === undefined ? all : all.filter((one) => one.requester === requester)
    return some.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  async function forget(name: string): Promise<void> {
    notes.delete(name)
    await files.remove(name)
  }

  async function forgetOld(): Promise<void> {
    for (const [name, { keptAtMs, sinceBoot = null }] of notes) {
      if (elapsedSince(clock, { wallMs: keptAtMs, sinceBoot }) > retentionMs) await forget(name)
    }
  }

  /** @throws {OutputProblem} where so much of an output, of its requester's or of all of them, is not kept */
  function assertFits(name: string, { requester }: OutputOwner, bytes: number, limits: Limits): void {
    writing.set(name, { bytes, requester })
    if (bytes > limits.ownBytes) {
      const message = OUTPUT_PROBLEMS['larger-than-storage'].message.replace('BYTES', shownBytes(limits.ownBytes))
      throw new OutputProblem(message)
    }
    if (held() > limits.allBytes) throw noRoom()
    if (held(requester) > limits.shareBytes) {
      throw new OutputProblem(`${OUTPUT_PROBLEMS['share-full'].message} (${shownBytes(limits.shareBytes)})`)
    }
  }

  /** What there may be of all, of which the disk has to have what is not there yet, and of one requester's. */
  async function limitsOf({ requester }: OutputOwner, ownBytes: number): Promise<Limits> {
    const free = Math.max(0, (await freeBytesAt(folder)) - minFreeBytes)
    const room = await roomAt(folder, roomBytes)
    const share = ownRequesters.includes(requester) ? 1 : Math.min(OWN_SHARE, maxClientShare)
    return { ownBytes, allBytes: Math.min(room, held() + free), shareBytes: Math.floor(room * share) }
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
        const limits = await limitsOf(owner, maxBytes)
        const onBytes = (bytes: number): void => assertFits(name, owner, bytes, limits)
        const kept = await files.write(name, await tar(), onBytes, signal)
        const { wallMs, sinceBoot } = momentNow(clock)
        const note = { ...kept, requester: owner.requester, keptAtMs: wallMs, sinceBoot }
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
