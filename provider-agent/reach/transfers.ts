import { randomUUID } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { isDiskFull } from '../../node/system-problem.ts'
import { ReachRefusedError } from './refusal.ts'

/** Read from the disk at a time, in bytes. */
const PIECE_BYTES = 256 * 1024

/** What is on its way into containers or out of them, on the disk, so that no engine waits for a slow requester. */
export interface Transfers {
  /** Makes the folder, and removes what an earlier run left in it. */
  start(): Promise<void>
  /**
   * Writes down what comes as fast as it comes, and answers it from the beginning meanwhile.
   * @param maxBytes beyond it the answer breaks
   */
  follow(source: Readable, maxBytes: number): AsyncGenerator<Buffer>
  /** Writes all of it down. @throws {ReachRefusedError} `TOO_LARGE`, `NO_ROOM` */
  keep(source: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Kept>
}

/** What was written down; gone once it is disposed of. */
export interface Kept extends AsyncDisposable {
  readonly bytes: number
  read(): Readable
}

/** @param init.maxBytes of all that is on its way at a time */
export function createTransfers(init: { folder: string; maxBytes: number }): Transfers {
  let heldBytes = 0

  /** A file without a name, which goes with this process whatever ends that, and what it takes of the room. */
  async function openFile(maxBytes: number) {
    const path = join(init.folder, randomUUID())
    const file = await open(path, 'wx+', 0o600)
    await rm(path)
    let bytes = 0
    return {
      file,
      bytes: () => bytes,
      async add(chunk: Uint8Array): Promise<void> {
        if (bytes + chunk.length > maxBytes) throw tooLarge(maxBytes)
        if (heldBytes + chunk.length > init.maxBytes) throw noRoom()
        heldBytes += chunk.length
        await writeWhole(file, chunk, bytes)
        bytes += chunk.length
      },
      async close(): Promise<void> {
        heldBytes -= bytes
        bytes = 0
        await file.close()
      },
    }
  }

  return {
    async start() {
      await mkdir(init.folder, { recursive: true, mode: 0o700 })
      for (const name of await readdir(init.folder)) await rm(join(init.folder, name), { force: true })
    },

    async *follow(source, maxBytes) {
      const spool = await openFile(maxBytes)
      let state: 'coming' | 'ended' | { problem: unknown } = 'coming'
      let wake = Promise.withResolvers<void>()
      const writing = (async () => {
        try {
          for await (const chunk of source) {
            await spool.add(chunk as Buffer)
            wake.resolve()
          }
          state = 'ended'
        } catch (problem) {
          state = { problem }
        }
        wake.resolve()
      })()
      try {
        for (let at = 0; ; ) {
          const there = spool.bytes() - at
          if (there > 0) {
            const piece = Buffer.allocUnsafe(Math.min(there, PIECE_BYTES))
            const { bytesRead } = await spool.file.read(piece, 0, piece.length, at)
            at += bytesRead
            yield piece.subarray(0, bytesRead)
            continue
          }
          const now = state as 'coming' | 'ended' | { problem: unknown }
          if (now === 'ended') return
          if (now !== 'coming') throw now.problem
          await wake.promise
          wake = Promise.withResolvers()
        }
      } finally {
        source.destroy()
        await writing
        await spool.close()
      }
    },

    async keep(source, maxBytes) {
      const spool = await openFile(maxBytes)
      try {
        for await (const chunk of source) await spool.add(chunk)
      } catch (error) {
        await spool.close()
        throw error
      }
      return {
        bytes: spool.bytes(),
        read: () => Readable.from(piecesOf(spool.file, spool.bytes()), { objectMode: false }),
        [Symbol.asyncDispose]: spool.close,
      }
    },
  }
}

async function* piecesOf(file: FileHandle, bytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes; ) {
    const piece = Buffer.allocUnsafe(Math.min(bytes - at, PIECE_BYTES))
    const { bytesRead } = await file.read(piece, 0, piece.length, at)
    if (bytesRead === 0) throw new Error('The file is shorter than what was written to it')
    at += bytesRead
    yield piece.subarray(0, bytesRead)
  }
}

async function writeWhole(file: FileHandle, chunk: Uint8Array, at: number): Promise<void> {
  try {
    for (let done = 0; done < chunk.length; ) {
      done += (await file.write(chunk, done, chunk.length - done, at + done)).bytesWritten
    }
  } catch (cause) {
    throw isDiskFull(cause) ? noRoom({ cause }) : cause
  }
}

function tooLarge(maxBytes: number): ReachRefusedError {
  return new ReachRefusedError(
    'TOO_LARGE',
    `That is more than may be handed over at once (${maxBytes} bytes): take parts of it`,
  )
}

function noRoom(options?: ErrorOptions): ReachRefusedError {
  return new ReachRefusedError('NO_ROOM', 'The provider has no room for what is on its way: try again later', options)
}
