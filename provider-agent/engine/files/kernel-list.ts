import type { Stats } from 'node:fs'
import { type FileHandle, lstat, opendir, readlink } from 'node:fs/promises'
import type { FileType } from '../../../protocol/file-messages.ts'
import type { ContainerFile, Listing, ListPage } from '../file-access.ts'
import { FileError } from '../file-access.ts'
import { type Inside, openFolder, walk, within } from './inside.ts'
import { isForbidden } from './kernel-first.ts'

/** Names of one folder that are held to be sorted. */
export const MAX_NAMES = 200_000

/** Lists a folder as the kernel has it: costs a look at each entry that is answered, and nothing for contents. */
export async function listInside(
  inside: Inside,
  path: string,
  { after, limit }: ListPage,
  signal?: AbortSignal,
): Promise<Listing> {
  await using place = await walk(inside, path, { followLast: true })
  const folder = place.name === null ? place.folder : await openFolder(place.folder, place.name)
  try {
    const names: string[] = []
    let isCut = false
    for await (const { name } of await openList(folder)) {
      signal?.throwIfAborted()
      if (names.length === MAX_NAMES) {
        isCut = true
        break
      }
      names.push(name)
    }
    const page = pageOf(names, { after, limit }, (name) => name)
    const entries: ContainerFile[] = []
    for (const name of page.items) {
      signal?.throwIfAborted()
      const entry = await entryAt(folder, name)
      if (entry !== null) entries.push(entry)
    }
    return { entries, total: names.length, more: page.more, incomplete: isCut }
  } finally {
    if (folder !== place.folder) await folder.close()
  }
}

/** Those behind a name, in order. @param nameOf of an item */
export function pageOf<T>(
  all: T[],
  { after, limit }: ListPage,
  nameOf: (item: T) => string,
): { items: T[]; more: boolean } {
  const behind = all.filter((item) => nameOf(item) > after)
  behind.sort((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1))
  return { items: behind.slice(0, limit), more: behind.length > limit }
}

async function openList(folder: FileHandle) {
  try {
    return await opendir(within(folder, ''))
  } catch (cause) {
    throw isForbidden(cause) ? cause : new FileError('BAD_PATH', 'The folder cannot be read', { cause })
  }
}

/**
 * Null where it has just gone. Of a name that is no UTF-8, and so cannot be asked for, nothing else is told.
 * @param init.mayThrow which of the system's errors are thrown. @default none
 */
export async function entryAt(
  folder: FileHandle,
  name: string,
  { mayThrow = () => false }: { mayThrow?: (cause: unknown) => boolean } = {},
): Promise<ContainerFile | null> {
  try {
    const entry = entryOfStats(name, await lstat(within(folder, name)))
    return entry.type === 'link' ? { ...entry, target: await readlink(within(folder, name)) } : entry
  } catch (cause) {
    if (mayThrow(cause)) throw cause
    return name.includes('\ufffd') ? { name, type: 'other', size: 0, mode: 0, mtimeMs: 0, target: '' } : null
  }
}

/** What the kernel says of something, but for where a link leads. */
export function entryOfStats(name: string, stats: Stats): ContainerFile {
  const type = typeOf(stats)
  const size = type === 'file' ? stats.size : 0
  return { name, type, size, mode: stats.mode & 0o7777, mtimeMs: Math.trunc(stats.mtimeMs), target: '' }
}

function typeOf(stats: Stats): FileType {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'folder'
  if (stats.isSymbolicLink()) return 'link'
  if (stats.isFIFO()) return 'pipe'
  if (stats.isSocket()) return 'socket'
  return stats.isBlockDevice() || stats.isCharacterDevice() ? 'device' : 'other'
}
