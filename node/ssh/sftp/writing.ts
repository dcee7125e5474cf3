import { posix } from 'node:path'
import type { JobFile } from '../../reach/index.ts'
import { createQueue, type Handle, type HandleComponents, noHandle } from './handle.ts'
import { type FileChange, SftpError, Status } from './index.ts'
import type { StagedFile } from './room.ts'
import { changeOf, sizeOf } from './setting.ts'

/** What a new file's permissions are, where the client does not say. */
const FILE_MODE = 0o644

/** How a file is opened to be written. */
export interface WritingInit {
  path: string
  /** What is there; null for nothing yet. */
  found: JobFile | null
  /** Of a new file. */
  mode: number | undefined
  /** Begins with nothing, whatever is there. */
  isEmpty: boolean
  /** All that is written comes behind what is there. */
  isAppending: boolean
  /** May be read, too. */
  isReadable: boolean
}

/** A file that is being written. */
export interface WritingHandle extends Handle {
  /** Where it goes in the end. */
  path: string
}

/**
 * Opens a file to be written: what it has is fetched where it is to stay, what is written is kept here, and all of it is
 * put into the container when it is closed, or not at all.
 */
export function openForWriting({ files, room, clock, signal }: HandleComponents, init: WritingInit): WritingHandle {
  const { found, isAppending, isReadable } = init
  const inTurn = createQueue()
  const isNew = found === null || init.isEmpty
  let staged: StagedFile | null = null
  let isThere = found !== null
  let isDirty = isNew
  let broken: { problem: unknown } | null = null
  let modifiedMs = found?.mtimeMs ?? clock.nowMs()
  let change: FileChange & { mode: number } = { mode: found?.mode ?? init.mode ?? FILE_MODE }

  async function begin(): Promise<StagedFile> {
    const opened = await room.openFile()
    try {
      if (isNew) return opened
      const { content } = await files.read(init.path, signal)
      for await (const chunk of content) await opened.write(chunk as Buffer, opened.size)
      return opened
    } catch (error) {
      await opened.close()
      throw error
    }
  }

  /** What went wrong once is not put into the container afterwards. */
  async function work<T>(task: (file: StagedFile) => Promise<T>): Promise<T> {
    return await inTurn(async () => {
      if (broken !== null) throw broken.problem
      try {
        staged ??= await begin()
        return await task(staged)
      } catch (problem) {
        broken = { problem }
        throw problem
      }
    })
  }

  async function put(file: StagedFile): Promise<void> {
    if (!isDirty) return
    await files.write(handle.path, { ...change, size: file.size, isThere }, file.content, signal)
    isThere = true
    isDirty = false
  }

  async function drop(): Promise<void> {
    broken ??= { problem: new SftpError(Status.failed, 'The file is closed') }
    await inTurn(async () => await staged?.close())
  }

  const touch = (): void => {
    isDirty = true
    modifiedMs = clock.nowMs()
    const { mode } = change
    change = { mode }
  }

  const handle: WritingHandle = {
    ...noHandle(),
    ...{ path: init.path, drop },
    read: async (offset, length) => {
      if (!isReadable) throw new SftpError(Status.denied, 'The file was not opened to be read')
      return await work(async (file) => await file.read(offset, length))
    },
    write: async (offset, data) =>
      await work(async (file) => {
        await file.write(data, isAppending ? file.size : offset)
        touch()
      }),
    stat: async () =>
      await work(async ({ size }) => {
        const { mode, mtimeMs = modifiedMs } = change
        return { name: posix.basename(handle.path), type: 'file', size, mode, mtimeMs, target: '' } as const
      }),
    change: async (to) => {
      const size = sizeOf(to)
      const wanted = changeOf(to)
      await work(async (file) => {
        if (size !== undefined && size !== file.size) {
          await file.resize(size)
          touch()
        }
        change = { ...change, ...wanted }
        if (!isDirty && Object.keys(wanted).length > 0) await files.change(handle.path, wanted, signal)
      })
    },
    sync: async () => await work(put),
    async close() {
      try {
        await work(put)
      } finally {
        await drop()
      }
    },
  }
  return handle
}
