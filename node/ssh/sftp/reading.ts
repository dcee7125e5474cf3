import { formatBytes } from '../../../protocol/units.ts'
import { type Handle, type HandleComponents, noHandle } from './handle.ts'
import { SftpError, Status } from './index.ts'
import type { Attributes } from './packets.ts'
import type { StagedFile } from './room.ts'
import { changeOf } from './setting.ts'

/**
 * Opens a file to be read: it is fetched once, and what has come of it can be read meanwhile, wherever in it.
 * @throws {SftpError} where it is larger than what a session may keep
 */
export async function openForReading({ files, room, signal }: HandleComponents, path: string): Promise<Handle> {
  const { file, content } = await files.read(path, signal)
  content.on('error', () => undefined) // whoever reads it hears of it
  let staged: StagedFile
  try {
    if (file.size > room.maxBytes) throw tooLarge(room.maxBytes)
    staged = await room.openFile()
  } catch (error) {
    content.destroy()
    throw error
  }
  let state: 'coming' | 'ended' | { problem: unknown } = 'coming'
  let moved = Promise.withResolvers<void>()
  const wake = (): void => {
    moved.resolve()
    moved = Promise.withResolvers()
  }
  const fetching = (async () => {
    try {
      for await (const chunk of content) {
        await staged.write(chunk as Buffer, staged.size)
        wake()
      }
      state = 'ended'
    } catch (problem) {
      state = { problem }
    }
    wake()
  })()
  const close = async (): Promise<void> => {
    content.destroy()
    await fetching
    await staged.close()
  }
  return {
    ...noHandle(),
    async read(offset, length) {
      for (;;) {
        const now = state as 'coming' | 'ended' | { problem: unknown }
        if (now === 'ended' || staged.size >= offset + length) return await staged.read(offset, length)
        if (now !== 'coming') throw now.problem
        await moved.promise
      }
    },
    stat: async () => file,
    async change(to: Attributes) {
      await files.change(path, changeOf(to), signal)
    },
    close,
    drop: close,
  }
}

function tooLarge(maxBytes: number): SftpError {
  return new SftpError(
    Status.failed,
    `The file is larger than what goes through a session (${formatBytes(maxBytes)}): copy it by cortex job cp`,
  )
}
