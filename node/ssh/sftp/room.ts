import { randomUUID } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { formatBytes } from '../../../protocol/units.ts'
import { isDiskFull } from '../../system-problem.ts'
import { createWaitingRoom, type WaitingShare } from '../connection/waiting.ts'
import { SftpError, Status } from './index.ts'

/** Files of one owner that are open at a time, in all sessions. */
const MAX_OPEN_FILES = 512

/** Read from the disk at a time, in bytes. */
const PIECE_BYTES = 256 * 1024

const MIB = 2 ** 20

/**
 * Bytes of requests and their answers that nobody has taken yet, before a session is asked for no more: of one session, of
 * all those of one owner, and of all. What is `free` each session has: a whole packet, and an answer.
 */
const MAX_WAITING_BYTES = { free: MIB / 2, connection: 2 * MIB, guest: 64 * MIB, all: 256 * MIB }

/** The disk, and the memory, for files that are on their way through sessions, into containers or out of them. */
export interface SftpRoom {
  /** Makes the folder, and removes what an earlier run left in it. */
  start(): Promise<void>
  /** The share of one session; those of one owner have it together. @param owner absent: nobody else has it */
  openSession(owner?: string): SessionRoom
}

/** What one session keeps on the disk, and in memory. */
export interface SessionRoom {
  /** @param look called when there is room again for what was too much */
  waiting(look: () => void): WaitingShare
  /** The most that it may keep, with others of its owner, at a time, in bytes. */
  readonly maxBytes: number
  /** A new file, empty and without a name: it goes with this process, whatever ends that. */
  openFile(): Promise<StagedFile>
}

/** A file on its way. Those that make it longer throw {@link SftpError} where there is no room. */
export interface StagedFile {
  /** In bytes. */
  readonly size: number
  /** Beyond the end, what is between is zeros. */
  write(data: Uint8Array, at: number): Promise<void>
  /** At most so many bytes; none at the end and beyond. */
  read(at: number, length: number): Promise<Buffer>
  resize(bytes: number): Promise<void>
  /** From the beginning to where the end is now. */
  content(): Readable
  /** Gives its room back. May be repeated. */
  close(): Promise<void>
}

/** @param init.maxBytes of all sessions together @param init.maxSessionBytes of one of them */
export function createSftpRoom(init: { folder: string; maxBytes: number; maxSessionBytes: number }): SftpRoom {
  let heldBytes = 0
  const memory = createWaitingRoom(MAX_WAITING_BYTES)
  const owners = new Map<string, { bytes: number; files: number }>()

  function openSession(owner: string = randomUUID()): SessionRoom {
    const maxBytes = init.maxSessionBytes

    /** @throws {SftpError} */
    function hold(bytes: number, files = 0): void {
      const own = owners.get(owner) ?? { bytes: 0, files: 0 }
      if (own.files + files > MAX_OPEN_FILES) {
        throw new SftpError(
          Status.failed,
          `${MAX_OPEN_FILES} files are open at a time in all your sessions: close some`,
        )
      }
      if (own.bytes + bytes > maxBytes) {
        throw new SftpError(
          Status.failed,
          `A session, and all of one owner, has ${formatBytes(maxBytes)} of files on their way: copy larger ones by cortex job cp`,
        )
      }
      if (heldBytes + bytes > init.maxBytes) {
        throw new SftpError(Status.failed, 'The gateway has no room for more files on their way: try again later')
      }
      const after = { bytes: own.bytes + bytes, files: own.files + files }
      if (after.bytes > 0 || after.files > 0) owners.set(owner, after)
      else owners.delete(owner)
      heldBytes += bytes
    }

    return {
      maxBytes,
      waiting(look) {
        const share = memory.open(look)
        share.belongTo(owner)
        return share
      },
      async openFile() {
        hold(0, 1)
        try {
          const path = join(init.folder, randomUUID())
          const file = await open(path, 'wx+', 0o600)
          await rm(path)
          return stagedFile(file, hold)
        } catch (error) {
          hold(0, -1)
          throw error
        }
      },
    }
  }

  return {
    async start() {
      await mkdir(init.folder, { recursive: true, mode: 0o700 })
      for (const name of await readdir(init.folder)) await rm(join(init.folder, name), { force: true })
    },
    openSession,
  }
}

/** @param hold takes so many bytes of the room, or gives them back */
function stagedFile(file: FileHandle, hold: (bytes: number, files?: number) => void): StagedFile {
  let size = 0
  let isClosed = false
  const atWork = new Set<Promise<unknown>>()

  /** Closing waits for what is at work: the number of this file may be another's after that. */
  async function use<T>(task: () => Promise<T>): Promise<T> {
    if (isClosed) throw new SftpError(Status.failed, 'The file is closed')
    const working = onDisk(task)
    atWork.add(working)
    return await working.finally(() => atWork.delete(working))
  }

  const grow = (bytes: number): void => {
    hold(bytes - size)
    size = bytes
  }

  /** What was made longer, and not written yet, is zeros. */
  async function read(at: number, length: number): Promise<Buffer> {
    const piece = Buffer.alloc(Math.max(0, Math.min(length, size - at)))
    if (piece.length > 0) await use(async () => await file.read(piece, 0, piece.length, at))
    return piece
  }

  return {
    get size() {
      return size
    },
    read,
    async write(data, at) {
      await use(async () => {
        if (at + data.length > size) grow(at + data.length)
        for (let done = 0; done < data.length; ) {
          done += (await file.write(data, done, data.length - done, at + done)).bytesWritten
        }
      })
    },
    async resize(bytes) {
      await use(async () => {
        if (bytes > size) grow(bytes)
        await file.truncate(bytes)
        if (bytes < size) grow(bytes)
      })
    },
    content: () => {
      const end = size
      const pieces = async function* (): AsyncGenerator<Buffer> {
        for (let at = 0; at < end; at += PIECE_BYTES) yield await read(at, Math.min(end - at, PIECE_BYTES))
      }
      return Readable.from(pieces(), { objectMode: false })
    },
    async close() {
      if (isClosed) return
      isClosed = true
      await Promise.allSettled(atWork)
      hold(-size, -1)
      size = 0
      await file.close()
    },
  }
}

async function onDisk<T>(task: () => Promise<T>): Promise<T> {
  try {
    return await task()
  } catch (cause) {
    if (!isDiskFull(cause)) throw cause
    throw new SftpError(Status.failed, 'The gateway’s disk is full: try again later', { cause })
  }
}
