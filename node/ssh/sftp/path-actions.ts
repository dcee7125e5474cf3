import { posix } from 'node:path'
import type { JobFile } from '../../reach/index.ts'
import type { Handle, HandleComponents } from './handle.ts'
import { SftpError, Status } from './index.ts'
import type { Attributes } from './packets.ts'
import { resolvePath } from './paths.ts'
import { openForReading } from './reading.ts'
import { OPEN } from './requests.ts'
import { changeOf, sizeOf } from './setting.ts'
import { openForWriting, type WritingHandle } from './writing.ts'

/** Folders that a session remembers to be there. */
const MAX_KNOWN_FOLDERS = 1024

/** Of what is made: as by most programs, nobody but its owner writes it unless that is asked for afterwards. */
const PERMISSIONS = 0o755

/** What is done at paths, which are resolved but for those of `resolve`. Each throws what the client is to be told of. */
export interface PathActions {
  /** A path as a client gives it. */
  resolve(path: string): Promise<string>
  stat(path: string): Promise<JobFile>
  lstat(path: string): Promise<JobFile>
  openFile(path: string, flags: number, attributes: Attributes): Promise<Handle>
  setstat(path: string, to: Attributes): Promise<void>
  rename(from: string, to: string, replace: boolean): Promise<void>
  remove(path: string, isFolder: boolean): Promise<void>
  makeFolder(path: string, mode: number): Promise<void>
  makeLink(path: string, target: string): Promise<void>
  readlink(path: string): Promise<string>
}

/** @param writing files that are being written, by their paths: there are none in the container yet */
export function createPathActions(
  components: HandleComponents,
  writing: Map<string, WritingHandle>,
  home: string,
): PathActions {
  const { files, signal } = components
  const folders = new Set<string>()

  const lstat = async (path: string): Promise<JobFile | null> =>
    (await writing.get(path)?.stat()) ?? (await files.lstat(path, signal))
  const stat = async (path: string): Promise<JobFile | null> =>
    (await writing.get(path)?.stat()) ?? (await files.stat(path, signal))
  const there = async (found: Promise<JobFile | null>): Promise<JobFile> => {
    const file = await found
    if (file === null) throw new SftpError(Status.noFile, 'There is nothing at this path')
    return file
  }

  /** The engine would make what is missing. */
  async function needFolder(path: string): Promise<void> {
    if (folders.has(path)) return
    const found = await there(files.stat(path, signal))
    if (found.type !== 'folder') throw new SftpError(Status.noFile, 'What is on the way there is no folder')
    know(path)
  }

  function know(folder: string): void {
    if (folders.size === MAX_KNOWN_FOLDERS) folders.clear()
    folders.add(folder)
  }

  async function needNothing(path: string): Promise<void> {
    if ((await lstat(path)) !== null) throw new SftpError(Status.failed, 'There is something at this path already')
    await needFolder(posix.dirname(path))
  }

  async function openFile(path: string, flags: number, { mode }: Attributes): Promise<Handle> {
    const has = (flag: number): boolean => (flags & flag) !== 0
    if (!has(OPEN.write | OPEN.append)) return await openForReading(components, path)
    await writing.get(path)?.sync()
    const found = await files.stat(path, signal)
    if (found === null && !has(OPEN.create)) throw new SftpError(Status.noFile, 'There is nothing at this path')
    if (found !== null && has(OPEN.exclusive))
      throw new SftpError(Status.failed, 'There is a file at this path already')
    if (found !== null && found.type !== 'file') {
      throw new SftpError(Status.failed, `What is at this path is no file but a ${found.type}`)
    }
    if (found === null) await needFolder(posix.dirname(path))
    const opening = openForWriting(components, {
      ...{ path, found, mode: mode === undefined ? undefined : mode & PERMISSIONS },
      ...{ isEmpty: has(OPEN.truncate), isAppending: has(OPEN.append), isReadable: has(OPEN.read) },
    })
    writing.set(path, opening)
    return opening
  }

  async function setstat(path: string, to: Attributes): Promise<void> {
    const open = writing.get(path)
    if (open !== undefined) return await open.change(to)
    const change = changeOf(to)
    if (sizeOf(to) !== undefined) {
      const resized = await openFile(path, OPEN.write | (to.size === 0n ? OPEN.truncate : 0), {})
      writing.delete(path)
      try {
        await resized.change(to)
      } finally {
        await resized.close()
      }
    } else if (Object.keys(change).length > 0) await files.change(path, change, signal)
  }

  async function rename(from: string, to: string, replace: boolean): Promise<void> {
    const open = writing.get(from)
    await open?.sync()
    if (!replace) await needNothing(to)
    await files.move(from, to, { replace }, signal)
    folders.clear()
    if (open === undefined) return
    writing.delete(from)
    open.path = to
    writing.set(to, open)
  }

  async function remove(path: string, isFolder: boolean): Promise<void> {
    const open = writing.get(path)
    await open?.sync()
    const found = await there(files.lstat(path, signal))
    if ((found.type === 'folder') !== isFolder) {
      throw new SftpError(Status.failed, isFolder ? 'That is no folder' : 'That is a folder')
    }
    await files.remove(path, signal)
    folders.clear()
  }

  async function makeFolder(path: string, mode: number): Promise<void> {
    await needNothing(path)
    await files.makeFolder(path, mode & PERMISSIONS, signal)
    know(path)
  }

  async function makeLink(path: string, target: string): Promise<void> {
    if (target === '' || target.includes('\0')) throw new SftpError(Status.failed, 'A link leads to a path')
    await needNothing(path)
    await files.makeLink(path, target, signal)
  }

  async function readlink(path: string): Promise<string> {
    const { type, target } = await there(lstat(path))
    if (type !== 'link') throw new SftpError(Status.failed, 'That is no link')
    return target
  }

  return {
    ...{ openFile, setstat, rename, remove, makeFolder, makeLink, readlink },
    resolve: async (path) => await resolvePath(path, home, lstat),
    stat: async (path) => await there(stat(path)),
    lstat: async (path) => await there(lstat(path)),
  }
}
