import { posix } from 'node:path'
import type { JobFile } from '../../reach/index.ts'
import {
  attributesAnswer,
  bareName,
  dataAnswer,
  handleAnswer,
  limitsAnswer,
  nameOf,
  namesAnswer,
  statusAnswer,
} from './answers.ts'
import { openFolder } from './folder.ts'
import { createQueue, type Handle, type HandleComponents } from './handle.ts'
import { SftpError, Status } from './index.ts'
import { type Attributes, MAX_PACKET_BYTES } from './packets.ts'
import { resolvePath } from './paths.ts'
import { openForReading } from './reading.ts'
import { OPEN, type Request } from './requests.ts'
import { changeOf, sizeOf } from './setting.ts'
import { openForWriting, type WritingHandle } from './writing.ts'

/** Files and folders that a session has open at a time. */
const MAX_HANDLES = 64
/** Bytes of a file in one answer. */
const MAX_READ_BYTES = 128 * 1024
/** What a packet of a write has beside its bytes, at most: the handle, and its frame. */
const WRITE_FRAME_BYTES = 1024
/** Folders that a session remembers to be there. */
const MAX_KNOWN_FOLDERS = 1024

const FOLDER_MODE = 0o755
const PERMISSIONS = 0o777

/** One client's session: what it has open, and answers to what it asks for. */
export interface Session {
  /** The packet of the answer. @throws what the client is to be told of */
  answer(id: number, request: Request): Promise<Buffer>
  /** Gives back all that is open; nothing more is put into the container. */
  close(): Promise<void>
}

/** @param init.home where relative paths begin */
export function createSession(components: HandleComponents, init: { home: string }): Session {
  const { files, signal } = components
  const handles = new Map<string, Handle>()
  /** Files that are being written, by their paths: there are none in the container yet. */
  const writing = new Map<string, WritingHandle>()
  const folders = new Set<string>()
  // What is asked of paths is done in the order in which it was asked for.
  const inTurn = createQueue()
  let opened = 0

  const lstat = async (path: string): Promise<JobFile | null> =>
    (await writing.get(path)?.stat()) ?? (await files.lstat(path, signal))
  const stat = async (path: string): Promise<JobFile | null> =>
    (await writing.get(path)?.stat()) ?? (await files.stat(path, signal))
  const resolve = async (path: string): Promise<string> => await resolvePath(path, init.home, lstat)
  const there = async (found: Promise<JobFile | null>): Promise<JobFile> => {
    const file = await found
    if (file === null) throw new SftpError(Status.noFile, 'There is nothing at this path')
    return file
  }

  function handle(name: string): Handle {
    const found = handles.get(name)
    if (found === undefined) throw new SftpError(Status.failed, 'Nothing is open by this name')
    return found
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

  async function open(id: number, opening: () => Promise<Handle>): Promise<Buffer> {
    if (handles.size >= MAX_HANDLES) {
      throw new SftpError(Status.failed, `A session has at most ${MAX_HANDLES} files open: close some`)
    }
    const made = await opening()
    opened += 1
    const name = String(opened)
    handles.set(name, made)
    return handleAnswer(id, name)
  }

  async function close(name: string): Promise<void> {
    const closing = handle(name)
    handles.delete(name)
    try {
      await closing.close()
    } finally {
      for (const [path, one] of writing) if (one === closing) writing.delete(path)
    }
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

  async function answerForPath(id: number, request: Extract<Request, { path: string }>): Promise<Buffer> {
    const path = await resolve(request.path)
    switch (request.kind) {
      case 'open':
        return await open(id, async () => await openFile(path, request.flags, request.attributes))
      case 'opendir':
        return await open(id, async () => await openFolder(components, path))
      case 'stat':
        return attributesAnswer(id, await there(stat(path)))
      case 'lstat':
        return attributesAnswer(id, await there(lstat(path)))
      case 'realpath':
        return namesAnswer(id, [bareName(path)])
      case 'readlink':
        return namesAnswer(id, [bareName(await readlink(path))])
      case 'setstat':
        return await done(id, setstat(path, request.attributes))
      case 'mkdir':
        return await done(id, makeFolder(path, request.attributes.mode ?? FOLDER_MODE))
      case 'symlink':
        return await done(id, makeLink(path, request.target))
      default:
        return await done(id, remove(path, request.kind === 'rmdir'))
    }
  }

  async function answer(id: number, request: Request): Promise<Buffer> {
    if ('path' in request) return await inTurn(async () => await answerForPath(id, request))
    switch (request.kind) {
      case 'rename':
        return await inTurn(async () => {
          const [from, to] = [await resolve(request.from), await resolve(request.to)]
          return await done(id, rename(from, to, request.replace))
        })
      case 'read':
        return dataOf(id, await handle(request.handle).read(request.offset, Math.min(request.length, MAX_READ_BYTES)))
      case 'write':
        return await done(id, handle(request.handle).write(request.offset, request.data))
      case 'fstat':
        return attributesAnswer(id, await handle(request.handle).stat())
      case 'fsetstat':
        return await done(id, handle(request.handle).change(request.attributes))
      case 'readdir':
        return entriesOf(id, await handle(request.handle).entries())
      case 'fsync':
        return await done(id, handle(request.handle).sync())
      case 'close':
        return await done(id, close(request.handle))
      case 'limits':
        return limitsAnswer(id, {
          ...{ packet: MAX_PACKET_BYTES, read: MAX_READ_BYTES, handles: MAX_HANDLES },
          write: MAX_PACKET_BYTES - WRITE_FRAME_BYTES,
        })
    }
  }

  return {
    answer,
    async close() {
      const open = [...handles.values()]
      handles.clear()
      writing.clear()
      await Promise.allSettled(open.map(async (one) => await one.drop()))
    },
  }
}

async function done(id: number, doing: Promise<void>): Promise<Buffer> {
  await doing
  return statusAnswer(id, Status.ok, 'done')
}

function dataOf(id: number, data: Buffer): Buffer {
  return data.length === 0 ? theEnd(id) : dataAnswer(id, data)
}

function entriesOf(id: number, entries: JobFile[]): Buffer {
  return entries.length === 0 ? theEnd(id) : namesAnswer(id, entries.map(nameOf))
}

function theEnd(id: number): Buffer {
  return statusAnswer(id, Status.end, 'That is all')
}
