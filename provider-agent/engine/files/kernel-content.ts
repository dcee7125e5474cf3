import { randomUUID } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { type FileHandle, lstat, open, rename, unlink } from 'node:fs/promises'
import { isDiskFull } from '../../../node/system-problem.ts'
import { FileError, type HeldFile, type HeldPlace } from '../file-access.ts'
import { type Inside, isOfDisk, itself, missing, O_PATH, walk, within } from './inside.ts'
import { isForbidden, NotByKernelError } from './kernel-first.ts'
import { entryOfStats } from './kernel-list.ts'

/** Read from the disk at a time, in bytes. */
const PIECE_BYTES = 256 * 1024

/** A file that somebody has a lease on is not waited for: that would hold a thread of this program for as long as the lease does. */
const NO_WAIT = constants.O_RDONLY | constants.O_NONBLOCK

/**
 * Opens a file by the kernel, from anywhere in it. Nothing but a file is opened: it is held, looked at, and opened as what is
 * held.
 *
 * @throws {NotByKernelError} where the engine has to read it: it is no disk's, or a program of the container has a lease on it
 */
export async function openFileInside(inside: Inside, path: string): Promise<HeldFile> {
  await using place = await walk(inside, path, { followLast: true })
  if (place.name === null) throw new FileError('BAD_PATH', 'The path is no file but a folder')
  try {
    const held = await open(within(place.folder, place.name), O_PATH | constants.O_NOFOLLOW)
    try {
      const file = entryOfStats(place.name, await held.stat())
      if (file.type !== 'file') throw new FileError('BAD_PATH', `The path is no file but a ${file.type}`)
      if (!(await isOfDisk(held))) throw new NotByKernelError('That is no file of a disk')
      const opened = await open(itself(held), NO_WAIT)
      const read = (offset: number, length: number) => piecesOf(opened, offset, length)
      return { ...{ file, read }, [Symbol.asyncDispose]: async () => await opened.close() }
    } finally {
      await held.close()
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EAGAIN') throw new NotByKernelError('It is leased', { cause })
    throw missing(cause)
  }
}

/**
 * Holds the folder in which a file is to be put, and nothing else; null where the engine has to do that. All of a file is there
 * or nothing of it, and what holds the old one goes on with that.
 */
export async function openPlaceInside(inside: Inside, path: string): Promise<HeldPlace | null> {
  if (!inside.hasOwnNumbers) return null
  // What is missing on the way, the engine makes.
  await using place =
    (await walk(inside, path, { followLast: true }).catch(nothing)) ??
    (await walk(inside, path, { followLast: false }).catch(nothing))
  if (place === null || place.name === null) return null
  const { name } = place
  const found = await lstat(within(place.folder, name)).catch(() => null)
  if (found?.isFile() === false || !(await isOfDisk(place.folder, { orMemory: false }))) return null
  // Those on the way to it, and the root, are held no longer: what is to be put may be long in coming.
  const folder = await open(itself(place.folder), O_PATH | constants.O_DIRECTORY)
  return {
    mode: found === null ? null : found.mode & 0o7777,
    put: async (content, how) => await putFile({ folder, name, found }, content, how),
    [Symbol.asyncDispose]: async () => await folder.close(),
  }
}

function nothing(error: unknown): null {
  if (error instanceof FileError && error.code === 'NO_FILE') return null
  throw error
}

async function putFile(
  { folder, name, found }: { folder: FileHandle; name: string; found: Stats | null },
  content: AsyncIterable<Uint8Array>,
  { bytes, mode, mtimeMs, owner, signal }: Parameters<HeldPlace['put']>[1],
): Promise<boolean> {
  const draft = within(folder, `.${randomUUID()}.part`)
  try {
    const file = await open(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
    try {
      // Before all that is written in vain where this program may not.
      await file.chown(owner.uid, owner.gid)
      for await (const chunk of content) {
        signal?.throwIfAborted()
        await file.appendFile(chunk)
      }
      await file.chmod(mode)
      if (mtimeMs !== undefined) await file.utimes(mtimeMs / 1000, mtimeMs / 1000)
    } finally {
      await file.close()
    }
    await rename(draft, within(folder, name))
    return true
  } catch (cause) {
    await unlink(draft).catch(() => undefined) // there is none, or somebody in the container has taken it away
    if (isForbidden(cause)) return false
    // The engine removes the old one first.
    if (isDiskFull(cause) && found !== null && bytes <= takenBy(found)) return false
    throw problemOf(cause)
  }
}

/** What the disk has again once a file is removed, in bytes: nothing where it has other names. */
function takenBy({ nlink, blocks }: Stats): number {
  return nlink === 1 ? blocks * 512 : 0
}

/** What is asked for. @throws {FileError} where the file has become shorter than that meanwhile */
async function* piecesOf(file: FileHandle, offset: number, length: number): AsyncGenerator<Buffer> {
  for (let at = offset; at < offset + length; ) {
    const piece = Buffer.allocUnsafe(Math.min(offset + length - at, PIECE_BYTES))
    const { bytesRead } = await file.read(piece, 0, piece.length, at)
    if (bytesRead === 0) throw new FileError('BAD_PATH', 'The file became shorter as it was read')
    at += bytesRead
    yield piece.subarray(0, bytesRead)
  }
}

function problemOf(cause: unknown): unknown {
  const { code } = cause as NodeJS.ErrnoException
  if (isDiskFull(cause)) return new FileError('NO_ROOM', 'The container’s disk is full', { cause })
  if (code === 'EROFS') return new FileError('BAD_PATH', 'The path is read-only', { cause })
  if (code === 'EISDIR' || code === 'EBUSY') {
    return new FileError('BAD_PATH', 'The path cannot be written to', { cause })
  }
  return missing(cause)
}
