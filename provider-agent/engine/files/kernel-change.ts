import { constants } from 'node:fs'
import { chmod, lstat, open, rename, utimes } from 'node:fs/promises'
import { type ContainerFile, type FileAccess, FileError } from '../file-access.ts'
import { type Inside, isOfDisk, itself, missing, O_PATH, walk, within } from './inside.ts'
import { isForbidden, NotByKernelError } from './kernel-first.ts'
import { entryAt, entryOfStats } from './kernel-list.ts'

/** What is at a path, a link there as itself, as the kernel has it. */
export async function lookInside(inside: Inside, path: string): Promise<ContainerFile> {
  await using place = await walk(inside, path, { followLast: false })
  if (place.name === null) return entryOfStats('', await place.folder.stat())
  const found = await entryAt(place.folder, place.name, { mayThrow: isForbidden })
  if (found === null) throw new FileError('NO_FILE', 'There is nothing at the path')
  return found
}

/** Renames by the kernel. */
export async function moveInside(
  inside: Inside,
  from: string,
  to: string,
  { replace }: { replace: boolean },
): Promise<void> {
  await using place = await walk(inside, from, { followLast: false })
  await using target = await walk(inside, to, { followLast: false })
  if (place.name === null || target.name === null) throw new FileError('BAD_PATH', 'The root of the container stays')
  const there = within(target.folder, target.name)
  try {
    if (!replace && (await isThere(there))) throw taken()
    await rename(within(place.folder, place.name), there)
  } catch (cause) {
    throw problemOf(cause)
  }
}

/**
 * Sets permission bits and times by the kernel: of what is held, and known to be no link, so that nobody who puts a link in
 * its place meanwhile leads to something else. That is done with this program's own powers, so of disks and memory for files
 * alone: most of `/proc` and `/sys` is the whole machine's, and not the container's.
 *
 * @throws {NotByKernelError} where it is anything else
 */
export async function changeInside(
  inside: Inside,
  path: string,
  { mode, mtimeMs }: Parameters<FileAccess['change']>[2],
): Promise<void> {
  await using place = await walk(inside, path, { followLast: true })
  try {
    const at = within(place.folder, place.name ?? '')
    const held = await open(at, place.name === null ? O_PATH : O_PATH | constants.O_NOFOLLOW)
    try {
      const stats = await held.stat()
      if (!stats.isFile() && !stats.isDirectory())
        throw new FileError('BAD_PATH', 'That is neither a file nor a folder')
      if (!(await isOfDisk(held))) throw new NotByKernelError('That is no file of a disk')
      if (mode !== undefined) await chmod(itself(held), mode)
      if (mtimeMs !== undefined) await utimes(itself(held), mtimeMs / 1000, mtimeMs / 1000)
    } finally {
      await held.close()
    }
  } catch (cause) {
    throw problemOf(cause)
  }
}

async function isThere(path: Buffer): Promise<boolean> {
  return (await lstat(path).catch(() => null)) !== null
}

function taken(options?: ErrorOptions): FileError {
  return new FileError('BAD_PATH', 'There is something at the new path already', options)
}

function problemOf(cause: unknown): unknown {
  const { code } = cause as NodeJS.ErrnoException
  if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'EISDIR') return taken({ cause })
  const known = code === undefined ? undefined : PROBLEMS[code]
  return known === undefined ? missing(cause) : new FileError('BAD_PATH', known, { cause })
}

const PROBLEMS: Readonly<Record<string, string>> = {
  EXDEV:
    'The new path is on another file system, such as a volume, or the path is a folder of the image: copy it, and remove the old one',
  EINVAL: 'A folder cannot be moved into itself',
  EBUSY: 'Something is mounted at the path',
  EROFS: 'The path is read-only',
}
