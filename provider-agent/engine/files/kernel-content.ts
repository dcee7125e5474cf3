import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, lstat, open, rename, statfs, unlink } from 'node:fs/promises'
import { isDiskFull } from '../../../node/system-problem.ts'
import { FileError, type HeldFile, type HeldPlace } from '../file-access.ts'
import { type Inside, missing, O_PATH, walk, within } from './inside.ts'
import { entryOfStats } from './kernel-list.ts'

/** Read from the disk at a time, in bytes. */
const PIECE_BYTES = 256 * 1024

/** File systems whose files are contents and nothing else, by the kernel's numbers: those of disks, and overlays of them. */
const ON_DISK: ReadonlySet<number> = new Set([
  ...[0x794c7630, 0xef53, 0x58465342, 0x9123683e, 0x2fc12fc1, 0xf2f52010], // overlay, ext, xfs, btrfs, zfs, f2fs
])
/** Of memory: what is written there would be this program's. */
const TMPFS = 0x01021994

/**
 * Opens a file by the kernel, from anywhere in it; null where the engine has to read it. Nothing but a file is opened: it is
 * held, looked at, and opened as what is held.
 */
export async function openFileInside(inside: Inside, path: string): Promise<HeldFile | null> {
  await using place = await walk(inside, path, { followLast: true })
  if (place.name === null) throw new FileError('BAD_PATH', 'The path is no file but a folder')
  try {
    const held = await open(within(place.folder, place.name), O_PATH | constants.O_NOFOLLOW)
    try {
      const file = entryOfStats(place.name, await held.stat())
      if (file.type !== 'file') throw new FileError('BAD_PATH', `The path is no file but a ${file.type}`)
      const kind = await kindOf(held)
      if (!ON_DISK.has(kind) && kind !== TMPFS) return null
      const opened = await open(itself(held), constants.O_RDONLY)
      const read = (offset: number, length: number) => piecesOf(opened, offset, length)
      return { ...{ file, read }, [Symbol.asyncDispose]: async () => await opened.close() }
    } finally {
      await held.close()
    }
  } catch (cause) {
    throw missing(cause)
  }
}

/**
 * Holds the folder in which a file is to be put; null where the engine has to do that. All of a file is there or nothing of
 * it, and what holds the old one goes on with that.
 */
export async function openPlaceInside(inside: Inside, path: string): Promise<HeldPlace | null> {
  if (!inside.hasOwnNumbers) return null
  // What is missing on the way, the engine makes.
  const place =
    (await walk(inside, path, { followLast: true }).catch(nothing)) ??
    (await walk(inside, path, { followLast: false }).catch(nothing))
  if (place === null) return null
  const { folder, name } = place
  try {
    const found = name === null ? null : await lstat(within(folder, name)).catch(() => null)
    const isApt = name !== null && (found?.isFile() ?? true) && ON_DISK.has(await kindOf(folder))
    if (!isApt) {
      await place[Symbol.asyncDispose]()
      return null
    }
    return {
      mode: found === null ? null : found.mode & 0o7777,
      put: async (content, how) => await putFile(folder, name, content, how),
      [Symbol.asyncDispose]: async () => await place[Symbol.asyncDispose](),
    }
  } catch (error) {
    await place[Symbol.asyncDispose]()
    throw error
  }
}

function nothing(error: unknown): null {
  if (error instanceof FileError && error.code === 'NO_FILE') return null
  throw error
}

async function putFile(
  folder: FileHandle,
  name: string,
  content: AsyncIterable<Uint8Array>,
  { mode, mtimeMs, owner }: Parameters<HeldPlace['put']>[1],
): Promise<void> {
  const draft = within(folder, `.${randomUUID()}.part`)
  try {
    const file = await open(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
    try {
      for await (const chunk of content) await file.appendFile(chunk)
      await file.chown(owner.uid, owner.gid)
      await file.chmod(mode)
      if (mtimeMs !== undefined) await file.utimes(mtimeMs / 1000, mtimeMs / 1000)
    } finally {
      await file.close()
    }
    await rename(draft, within(folder, name))
  } catch (cause) {
    await unlink(draft).catch(() => undefined) // there is none, or somebody in the container has taken it away
    throw problemOf(cause)
  }
}

/** What is asked for, as far as the file goes: it may become shorter meanwhile. */
async function* piecesOf(file: FileHandle, offset: number, length: number): AsyncGenerator<Buffer> {
  for (let at = offset; at < offset + length; ) {
    const piece = Buffer.allocUnsafe(Math.min(offset + length - at, PIECE_BYTES))
    const { bytesRead } = await file.read(piece, 0, piece.length, at)
    if (bytesRead === 0) return
    at += bytesRead
    yield piece.subarray(0, bytesRead)
  }
}

async function kindOf(held: FileHandle): Promise<number> {
  return (await statfs(itself(held))).type
}

function itself(held: FileHandle): string {
  return `/proc/self/fd/${held.fd}`
}

function problemOf(cause: unknown): unknown {
  const { code } = cause as NodeJS.ErrnoException
  if (isDiskFull(cause)) return new FileError('NO_ROOM', 'The container’s disk is full', { cause })
  if (code === 'EROFS') return new FileError('BAD_PATH', 'The path is read-only', { cause })
  if (code === 'EISDIR' || code === 'EPERM' || code === 'EACCES' || code === 'EBUSY') {
    return new FileError('BAD_PATH', 'The path cannot be written to', { cause })
  }
  return missing(cause)
}
