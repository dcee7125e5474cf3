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
import { MAX_PACKET_BYTES } from './packets.ts'
import { createPathActions } from './path-actions.ts'
import { READ, READDIR, type Request } from './requests.ts'
import type { WritingHandle } from './writing.ts'

/** Files and folders that a session has open at a time. */
const MAX_HANDLES = 64
/** Bytes of a file in one answer. */
const MAX_READ_BYTES = 128 * 1024
/** Bytes of any other answer, at most: a path, twice. */
const SHORT_ANSWER_BYTES = 8 * 1024
/** What a packet of a write has beside its bytes, at most: the handle, and its frame. */
const WRITE_FRAME_BYTES = 1024

const FOLDER_MODE = 0o755

/** One client's session: what it has open, and answers to what it asks for. */
export interface Session {
  /** The packet of the answer. @throws what the client is to be told of */
  answer(id: number, request: Request): Promise<Buffer>
  /** Gives back all that is open; nothing more is put into the container. */
  close(): Promise<void>
}

/** Bytes that the answer to a packet has at most. */
export function answerBytes(packet: Buffer): number {
  return packet[0] === READ || packet[0] === READDIR ? MAX_READ_BYTES : SHORT_ANSWER_BYTES
}

/** @param init.home where relative paths begin */
export function createSession(components: HandleComponents, init: { home: string }): Session {
  const handles = new Map<string, Handle>()
  /** Files that are being written, by their paths: there are none in the container yet. */
  const writing = new Map<string, WritingHandle>()
  const paths = createPathActions(components, writing, init.home)
  // What is asked of paths is done in the order in which it was asked for.
  const inTurn = createQueue()
  let opened = 0

  function handle(name: string): Handle {
    const found = handles.get(name)
    if (found === undefined) throw new SftpError(Status.failed, 'Nothing is open by this name')
    return found
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

  async function answerForPath(id: number, request: Extract<Request, { path: string }>): Promise<Buffer> {
    const path = await paths.resolve(request.path)
    switch (request.kind) {
      case 'open':
        return await open(id, async () => await paths.openFile(path, request.flags, request.attributes))
      case 'opendir':
        return await open(id, async () => await openFolder(components, path))
      case 'stat':
        return attributesAnswer(id, await paths.stat(path))
      case 'lstat':
        return attributesAnswer(id, await paths.lstat(path))
      case 'realpath':
        return namesAnswer(id, [bareName(path)])
      case 'readlink':
        return namesAnswer(id, [bareName(await paths.readlink(path))])
      case 'setstat':
        return await done(id, paths.setstat(path, request.attributes))
      case 'mkdir':
        return await done(id, paths.makeFolder(path, request.attributes.mode ?? FOLDER_MODE))
      case 'symlink':
        return await done(id, paths.makeLink(path, request.target))
      default:
        return await done(id, paths.remove(path, request.kind === 'rmdir'))
    }
  }

  async function answer(id: number, request: Request): Promise<Buffer> {
    if ('path' in request) return await inTurn(async () => await answerForPath(id, request))
    switch (request.kind) {
      case 'rename':
        return await inTurn(async () => {
          const [from, to] = [await paths.resolve(request.from), await paths.resolve(request.to)]
          return await done(id, paths.rename(from, to, request.replace))
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
