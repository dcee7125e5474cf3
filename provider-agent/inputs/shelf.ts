/**
 * Volumes with what jobs brought, kept for the next job of the same requester: each has a note in a file, written once it is
 * whole, so that one without a note was being filled when an earlier process ended.
 */

import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import type { ContainerEngine } from '../engine/index.ts'
import { inputLabel } from '../engine/input-volumes.ts'
import { DataError } from './data-error.ts'

const noteSchema = z.object({
  volume: z.string(),
  bytes: z.number().int().min(0),
  usedAtMs: z.number(),
  /** Under which its requester asks for it; absent where it never said. */
  mark: z.string().optional(),
})
type Note = z.output<typeof noteSchema>

/** The room of something that comes. */
export interface Reserved {
  /** Makes room for so many bytes of it in all. @throws {DataError} `no-space` */
  upTo(bytes: number, signal: AbortSignal): Promise<void>
  /** It is kept, or will not be. */
  release(): void
}

/** What is kept, and how much of it there may be. */
export interface Shelf {
  /** Forgets what has no volume any more, and removes volumes that are not whole. The engine must be there. */
  start(signal: AbortSignal): Promise<void>
  /**
   * A volume that is kept, and what was put there; null where it is not. Counts as a use of it.
   * @param mark under which its requester asks for it from now on; see `heldMark`
   */
  find(volume: string, mark?: string): Promise<Note | null>
  /** Whether what is asked for so is kept. */
  has(mark: string): boolean
  /** For what comes, which has none yet. @param path its place in the job, for its owner */
  reserve(path: string): Reserved
  /** It is whole. @param bytes that it takes of the disk @param mark as in {@link Shelf.find} */
  keep(volume: string, bytes: number, mark?: string): Promise<void>
  /** It is not there, whatever the notes say. */
  forget(volume: string): Promise<void>
}

/** What {@link createShelf} works with. */
export interface ShelfComponents {
  engine: Pick<ContainerEngine, 'volumes' | 'removeVolume'>
  clock: Clock
  logger: Logger
  /** Whether a lease that has not ended has the volume. */
  isUsed: (volume: string) => boolean
  /** Bytes that the volumes may take together, those on their way included. */
  room: () => Promise<number>
  /** Bytes that are free for them where they come to. */
  freeBytes: () => Promise<number>
}

/** @param init.folder of the notes @param init.owner peer id that marks this agent's volumes */
export function createShelf(components: ShelfComponents, { folder, owner }: { folder: string; owner: string }): Shelf {
  const { engine, clock, logger, isUsed, room, freeBytes } = components
  const notes = new Map<string, Note>()
  /** Volume by mark. */
  const marks = new Map<string, string>()
  /** Bytes of what is on its way. */
  const coming = new Map<symbol, number>()
  const fileOf = (volume: string): string => join(folder, `${volume}.json`)
  const held = (): number =>
    [...notes.values(), ...[...coming.values()].map((bytes) => ({ bytes }))].reduce((sum, { bytes }) => sum + bytes, 0)

  function take(note: Note): void {
    notes.set(note.volume, note)
    if (note.mark !== undefined) marks.set(note.mark, note.volume)
  }

  async function write(note: Note): Promise<void> {
    take(note)
    await writeFile(fileOf(note.volume), JSON.stringify(note), { mode: 0o600 })
  }

  async function drop(volume: string): Promise<void> {
    marks.delete(notes.get(volume)?.mark ?? '')
    notes.delete(volume)
    await rm(fileOf(volume), { force: true })
  }

  async function readNotes(): Promise<void> {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    for (const file of (await readdir(folder)).filter((name) => name.endsWith('.json'))) {
      try {
        const note = noteSchema.parse(JSON.parse(await readFile(join(folder, file), 'utf8')))
        take(note)
      } catch (error) {
        logger.warn({ file, error: String(error) }, 'forgetting an input whose note cannot be read')
        await rm(join(folder, file), { force: true })
      }
    }
  }

  /** Removes what was used longest ago, until so much fits. */
  async function makeRoom(bytes: number, most: number, signal: AbortSignal): Promise<void> {
    for (const { volume } of [...notes.values()].toSorted((a, b) => a.usedAtMs - b.usedAtMs)) {
      if (held() + bytes <= most) return
      if (isUsed(volume)) continue
      // First, so that nobody is given it meanwhile.
      await drop(volume)
      await engine.removeVolume(volume, { signal })
    }
  }

  return {
    async start(signal) {
      await readNotes()
      const there = (await engine.volumes(owner, { signal })).filter(({ labels }) => labels[inputLabel] !== undefined)
      const names = new Set(there.map(({ name }) => name))
      for (const volume of [...notes.keys()]) if (!names.has(volume)) await drop(volume)
      for (const { name, labels } of there) {
        // Those that a job may write are its own, and go with its volumes.
        if (notes.has(name) || labels['cortex.job'] !== undefined) continue
        await engine.removeVolume(name, { signal })
      }
    },
    async find(volume, mark) {
      const note = notes.get(volume)
      if (note === undefined) return null
      const used = { ...note, usedAtMs: clock.nowMs(), ...(mark === undefined ? {} : { mark }) }
      await write(used)
      return used
    },
    has: (mark) => marks.has(mark),
    reserve(path) {
      const mark = Symbol(path)
      return {
        async upTo(bytes, signal) {
          const more = bytes - (coming.get(mark) ?? 0)
          if (more < 0) return
          const most = await room()
          await makeRoom(more, most, signal)
          if (held() + more > most || (await freeBytes()) < more) throw new DataError('no-space', path)
          coming.set(mark, bytes)
        },
        release: () => void coming.delete(mark),
      }
    },
    async keep(volume, bytes, mark) {
      await write({ volume, bytes, usedAtMs: clock.nowMs(), ...(mark === undefined ? {} : { mark }) })
    },
    forget: drop,
  }
}
