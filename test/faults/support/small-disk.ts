import { execFile } from 'node:child_process'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Why no small disk can be made here; false where it can. */
export const noSmallDisk =
  process.getuid?.() === 0 && process.platform === 'linux' ? false : 'mounting a small disk needs root on Linux'

export interface SmallDisk {
  folder: string
  /** Takes so many MiB away, or all there is. */
  fill(mebibytes?: number): Promise<void>
  /** Gives back what was taken. */
  clear(): Promise<void>
  unmount(): Promise<void>
}

/** A file system of its own that is full before long. */
export async function makeSmallDisk(mebibytes: number): Promise<SmallDisk> {
  const folder = await mkdtemp(join(tmpdir(), 'cortex-small-'))
  await run('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', folder])
  let ballasts = 0
  const pathOf = (number: number): string => join(folder, `ballast-${number}`)
  return {
    folder,
    async fill(most = mebibytes) {
      ballasts += 1
      const file = await open(pathOf(ballasts), 'w')
      const piece = Buffer.alloc(2 ** 20, 1)
      try {
        for (let i = 0; i < most; i += 1) {
          // The last piece goes in page by page.
          for (let at = 0; at < piece.length; ) at += (await file.write(piece, at)).bytesWritten
        }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      } finally {
        await file.close()
      }
    },
    async clear() {
      for (; ballasts > 0; ballasts -= 1) await rm(pathOf(ballasts))
    },
    async unmount() {
      await run('umount', ['--lazy', folder])
      await rm(folder, { recursive: true, force: true })
    },
  }
}
