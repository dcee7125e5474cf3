import { type Abort, askEngine } from '../ask-engine.ts'
import { type ContainerFile, type FileAccess, FileError, type HeldFile } from '../file-access.ts'
import type { RunCommand } from '../running-exec.ts'
import { changeByCommand, moveByCommand } from './command-change.ts'
import type { Inside } from './inside.ts'
import { changeInside, lookInside, moveInside } from './kernel-change.ts'
import { openFileInside, openPlaceInside } from './kernel-content.ts'
import { kernelFirst } from './kernel-first.ts'

/**
 * Opens the root of a container; null where its kernel is not this machine's, or this user may not look.
 *
 * @param asked what for, as errors say it
 */
export type OpenRoot = (name: string, asked: string, signal: AbortSignal | undefined) => Promise<Inside | null>

/** What {@link createKernelFiles} works with. */
export interface KernelFilesComponents {
  inside: OpenRoot
  /** What the engine says of a path, a link as itself; null for nothing. */
  itself(name: string, path: string, abort: Abort): Promise<ContainerFile | null>
  exec: RunCommand
}

/** What engines have no way to do: the kernel does it, and else programs of the image, or nobody. */
export function createKernelFiles({
  inside,
  itself,
  exec,
}: KernelFilesComponents): Pick<FileAccess, 'lookAt' | 'move' | 'change' | 'openFile' | 'openPlace'> {
  return {
    lookAt: async (name, path, { signal } = {}) => {
      const asked = `looking at ${path} of ${name}`
      const root = await inside(name, asked, signal)
      const byKernel = async (held: Inside) => await lookInside(held, path)
      return await kernelFirst(root, byKernel, async () => {
        const file = await askEngine(asked, signal, async (abort) => await itself(name, path, abort))
        if (file === null) throw new FileError('NO_FILE', 'There is nothing at the path')
        return file
      })
    },

    move: async (name, path, to, how, { signal } = {}) => {
      const asked = `renaming ${path} of ${name}`
      const root = await inside(name, asked, signal)
      const byKernel = async (held: Inside) => await moveInside(held, path, to, how)
      await kernelFirst(root, byKernel, async () => {
        const at = await askEngine(asked, signal, async (abort) => await itself(name, to, abort))
        if (at !== null && !how.replace) throw new FileError('BAD_PATH', 'There is something at the new path already')
        await moveByCommand(exec, name, { from: path, to, at }, signal)
      })
    },

    change: async (name, path, to, { signal } = {}) => {
      const root = await inside(name, `changing ${path} of ${name}`, signal)
      const byKernel = async (held: Inside) => await changeInside(held, path, to)
      await kernelFirst(root, byKernel, async () => await changeByCommand(exec, name, path, to, signal))
    },

    openFile: async (name, path, { signal } = {}) => {
      const root = await inside(name, `reading ${path} of ${name}`, signal)
      const byKernel = async (held: Inside) => await openFileInside(held, path)
      return await kernelFirst<HeldFile | null>(root, byKernel, async () => null)
    },

    openPlace: async (name, path, { signal } = {}) => {
      const root = await inside(name, `writing ${path} of ${name}`, signal)
      const byKernel = async (held: Inside) => await openPlaceInside(held, path)
      return await kernelFirst(root, byKernel, async () => null)
    },
  }
}
