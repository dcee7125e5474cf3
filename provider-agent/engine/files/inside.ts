import { constants } from 'node:fs'
import { type FileHandle, lstat, open, readFile, readlink, statfs } from 'node:fs/promises'
import { FileError } from '../file-access.ts'
import { type Located, processFolder } from '../usage/kernel-view.ts'

/** Linux's own flag: a place in the file system, which is not opened. */
export const O_PATH = 0o10000000
const FOLDER = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW

/** Links on the way to a path, as many as Linux follows. */
const MAX_LINKS = 40
/** Folders within each other on the way to a path: each is held until it is come to. */
const MAX_DEPTH = 256
/** Parts of a path, those of links included. */
const MAX_PARTS = 4096

/** File systems whose files are contents and nothing else, by the kernel's numbers: those of disks, and overlays of them. */
const ON_DISK: ReadonlySet<number> = new Set([
  ...[0x794c7630, 0xef53, 0x58465342, 0x9123683e, 0x2fc12fc1, 0xf2f52010], // overlay, ext, xfs, btrfs, zfs, f2fs
])
/** Of memory: what is written there would be this program's. */
const TMPFS = 0x01021994

/** The root of a running container, as its programs see it; closed when it is disposed of. */
export interface Inside extends AsyncDisposable {
  readonly root: FileHandle
  /** Whether its users have the numbers that they have on this machine. */
  readonly hasOwnNumbers: boolean
}

/** Something in a container: a folder that is held, and a name in it that is no link any more; the root has none. */
export interface Place extends AsyncDisposable {
  readonly folder: FileHandle
  readonly name: string | null
}

/** Null where its processes are not this machine's, or this user may not look. */
export async function openInside(container: Located): Promise<Inside | null> {
  const folder = await processFolder(container)
  if (folder === null) return null
  const root = await open(`${folder}/root`, O_PATH | constants.O_DIRECTORY).catch(() => null)
  if (root === null) return null
  // Its number may have become another process's before that was opened.
  if ((await processFolder(container)) === null) {
    await root.close()
    return null
  }
  const numbers = await readFile(`${folder}/uid_map`, 'utf8').catch(() => '') // it has just ended
  const hasOwnNumbers = /^\s*0\s+0\s+4294967295\s*$/.test(numbers)
  return { root, hasOwnNumbers, [Symbol.asyncDispose]: async () => await root.close() }
}

/** Path of something in a folder that is held: whatever becomes of the folder's own place, nothing outside is meant. */
export function within(folder: FileHandle, name: string | Buffer): Buffer {
  return Buffer.concat([Buffer.from(`/proc/self/fd/${folder.fd}/`), Buffer.from(name)])
}

/** What is held, as a path: whatever has become of its name, that is meant. */
export function itself(held: FileHandle): string {
  return `/proc/self/fd/${held.fd}`
}

/** Whether what is held is on a disk, or in the memory that is for files, so that it acts on nothing but itself. */
export async function isOfDisk(held: FileHandle, { orMemory = true }: { orMemory?: boolean } = {}): Promise<boolean> {
  const { type } = await statfs(itself(held))
  return ON_DISK.has(type) || (orMemory && type === TMPFS)
}

/**
 * Walks to a path part by part, so that no link, and nobody who changes folders into links meanwhile, leads out of the
 * container: each folder is held as it is come to, and links are followed from the container's own root.
 *
 * @param init.followLast whether a link at the path itself is followed
 * @throws {FileError} where a folder on the way is missing
 */
export async function walk({ root }: Inside, path: string, init: { followLast: boolean }): Promise<Place> {
  const held: FileHandle[] = []
  const top = (): FileHandle => held.at(-1) ?? root
  const release = async (): Promise<void> => {
    await Promise.all(held.splice(0).map(async (folder) => await folder.close()))
  }
  const placed = (name: string | null): Place => ({ folder: top(), name, [Symbol.asyncDispose]: release })
  try {
    const parts = path.split('/')
    let last: string | null = null
    for (let walked = 0, links = 0; parts.length > 0; walked += 1) {
      if (walked > MAX_PARTS) throw new FileError('BAD_PATH', 'The path leads in circles')
      const part = parts.shift() ?? ''
      if (part === '' || part === '.') continue
      if (part === '..') {
        await held.pop()?.close()
        continue
      }
      const isLast = parts.every((rest) => rest === '' || rest === '.')
      const target = isLast && !init.followLast ? null : await linkAt(top(), part)
      if (target !== null) {
        links += 1
        if (links > MAX_LINKS) throw new FileError('BAD_PATH', 'The path leads in circles')
        if (target.startsWith('/')) await release()
        parts.unshift(...target.split('/'))
        continue
      }
      if (isLast) {
        last = part
        break
      }
      if (held.length === MAX_DEPTH) {
        throw new FileError('BAD_PATH', `The path leads through more than ${MAX_DEPTH} folders within each other`)
      }
      held.push(await openFolder(top(), part))
    }
    return placed(last)
  } catch (error) {
    await release()
    throw error
  }
}

/** A folder in one that is held, itself held from now on. @throws {FileError} where there is none */
export async function openFolder(folder: FileHandle, name: string | Buffer): Promise<FileHandle> {
  try {
    return await open(within(folder, name), FOLDER)
  } catch (cause) {
    throw missing(cause)
  }
}

/** What the system says of a path that is not as it should be. */
export function missing(cause: unknown): unknown {
  const { code } = cause as NodeJS.ErrnoException
  if (code === 'ENOENT') return new FileError('NO_FILE', 'There is nothing at the path', { cause })
  if (code === 'ENOTDIR' || code === 'ELOOP')
    return new FileError('BAD_PATH', 'There is no folder at the path', { cause })
  if (code === 'ENAMETOOLONG') return new FileError('BAD_PATH', 'A name is too long', { cause })
  return cause
}

/** Where a link leads; null for what is none. */
async function linkAt(folder: FileHandle, name: string): Promise<string | null> {
  try {
    const place = within(folder, name)
    return (await lstat(place)).isSymbolicLink() ? await readlink(place) : null
  } catch (cause) {
    throw missing(cause)
  }
}
