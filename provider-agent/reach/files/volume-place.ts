import { posix } from 'node:path'
import type { Channel } from '../../../node/network/index.ts'
import { entriesOf } from '../../../node/tar-entries.ts'
import type { ReachHello_Files } from '../../../protocol/gen/cortex/v1/reach_pb.js'
import { formatBytes } from '../../../protocol/units.ts'
import { type FileAccess, FileError, type FileOwner } from '../../engine/file-access.ts'
import { EngineError } from '../../engine/index.ts'
import { VOLUME_PATH, type VolumeAccess } from '../../engine/volume-access.ts'
import type { LentVolume } from '../../volumes/kept-volumes.ts'
import { ReachRefusedError } from '../refusal.ts'
import { type FilesPlace, nothingThere } from './answers.ts'

/** What an entry takes of the disk at least, beside its contents, in bytes: its inode, and the rest of its last block. */
const ENTRY_BYTES = 4_096

/** How much of a volume is handed over at once, by its size: holes of files count, and it may have been filled beyond its size. */
const MOST_READ = 4
const ROOM_BYTES = 64 * 2 ** 20
/** Folders within each other that a path leads through at most: the engine is asked for each. */
const MAX_DEPTH = 32

/** The files of one volume, as long as it is not disposed of. */
export interface VolumePlace extends FilesPlace, AsyncDisposable {
  /** What was asked of the volume, asked of the container that has it. */
  within(asked: ReachHello_Files): ReachHello_Files
}

/** Opens volumes for a requester. */
export interface VolumePlaces {
  /** @param openSignal of the opening alone @throws {ReachRefusedError} */
  open(
    of: { channel: Channel; lent: LentVolume; readOnly: boolean; signal: AbortSignal },
    openSignal: AbortSignal,
  ): Promise<VolumePlace>
}

/** What is written into one volume is written one after the other. */
export function createVolumePlaces(components: { access: FileAccess; volumeAccess: VolumeAccess }): VolumePlaces {
  const { access, volumeAccess } = components
  const writing = new Map<string, Promise<unknown>>()

  async function inTurn(volume: string, task: () => Promise<void>): Promise<void> {
    const turn = (writing.get(volume) ?? Promise.resolve()).catch(() => undefined).then(task)
    writing.set(volume, turn)
    try {
      await turn
    } finally {
      if (writing.get(volume) === turn) writing.delete(volume)
    }
  }

  return {
    async open({ channel, lent, readOnly, signal }, openSignal) {
      const { name: volume, sizeBytes } = lent
      const opened = await volumeAccess.open(volume, { readOnly }, { signal: openSignal }).catch((cause: unknown) => {
        signal.throwIfAborted()
        throw refusalOf(cause)
      })
      return {
        ...{ channel, access: accessWithin(access), more: null, name: opened.container, signal },
        ...{ maxBytes: sizeBytes, maxReadBytes: MOST_READ * sizeBytes + ROOM_BYTES, isApart: true },
        freeBytes: () => Number.POSITIVE_INFINITY, // `admit` measures
        within: (asked) => ({ ...asked, path: posix.join(VOLUME_PATH, asked.path) }),
        ownerIn: async (folder) => await ownerOf(access, opened.container, folder, signal),
        admit: async ({ bytes, entries }, write) => {
          await inTurn(volume, async () => {
            signal.throwIfAborted()
            const free = sizeBytes - (await volumeAccess.measure(volume, { signal }))
            const needed = bytes + entries * ENTRY_BYTES
            if (needed > free) throw noRoom(sizeBytes, Math.max(0, free), needed)
            await write()
          })
        },
        [Symbol.asyncDispose]: async () => await opened[Symbol.asyncDispose](),
      }
    },
  }
}

/** Beyond the volume there is nothing: a path that leads out of it, by a link on its way, is none. */
function accessWithin(access: FileAccess): FilesPlace['access'] {
  const stat: FileAccess['stat'] = async (name, path, options) => {
    const parts = path.slice(VOLUME_PATH.length + 1).split('/')
    if (parts.length > MAX_DEPTH) throw new FileError('BAD_PATH', `The path has more than ${MAX_DEPTH} parts`)
    let found = await access.stat(name, VOLUME_PATH, options)
    // The engine follows the links on the way, and does not tell.
    for (const part of parts.filter((each) => each !== '')) {
      if (found === null) return null
      found = await access.stat(name, posix.join(found.path, part), options)
      if (found !== null && !`${found.path}/`.startsWith(`${VOLUME_PATH}/`)) {
        throw new FileError('BAD_PATH', 'A link on the path leads out of the volume')
      }
    }
    return found
  }
  return {
    ...{ archive: access.archive, unpack: access.unpack, stat },
    async list(name, path, page, options) {
      const found = await stat(name, path, options)
      if (found === null) throw nothingThere()
      return await access.list(name, found.path, page, options)
    },
    async remove() {
      throw new FileError('BAD_PATH', 'Nothing is removed from a volume')
    },
  }
}

/** Whose a folder is, as the engine's archive of it says first: what is new in it is theirs, too. */
async function ownerOf(access: FileAccess, name: string, folder: string, signal: AbortSignal): Promise<FileOwner> {
  const tar = await access.archive(name, folder, { signal })
  tar.on('error', () => undefined) // it is read no further
  try {
    for await (const { header } of entriesOf(tar)) return { uid: header.uid ?? 0, gid: header.gid ?? 0 }
    throw nothingThere()
  } finally {
    tar.destroy()
  }
}

function refusalOf(cause: unknown): unknown {
  if (!(cause instanceof EngineError)) return cause
  if (cause.details.reason === 'volume-lost') {
    return new ReachRefusedError('UNKNOWN_VOLUME', 'The provider has lost the volume, or has not made it yet', {
      cause,
    })
  }
  return new ReachRefusedError('FAILED', 'The provider’s engine could not open the volume: try again later', { cause })
}

function noRoom(size: number, free: number, needed: number): ReachRefusedError {
  const have = `${formatBytes(free)} of ${formatBytes(size)} are free`
  return new ReachRefusedError(
    'TOO_LARGE',
    `The volume has no room for it: ${have}, and it takes ${formatBytes(needed)}`,
  )
}
