import { type Abort, askEngine } from '../ask-engine.ts'
import { type ContainerFile, type FileAccess, FileError } from '../file-access.ts'
import type { RunCommand } from '../running-exec.ts'
import { changeByCommand, moveByCommand } from './command-change.ts'
import type { Inside } from './inside.ts'
import { changeInside, lookInside, moveInside } from './kernel-change.ts'
import { openFileInside, openPlaceInside } from './kernel-content.ts'

/** What {@link createKernelFiles} works with. */
export interface KernelFilesComponents {
  /** The root of a container; null where its kernel is not this machine's. */
  inside(name: string, abort: Abort): Promise<Inside | null>
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
      const root = await askEngine(asked, signal, async (abort) => await inside(name, abort))
      if (root !== null) {
        await using held = root
        return await lookInside(held, path)
      }
      const file = await askEngine(asked, signal, async (abort) => await itself(name, path, abort))
      if (file === null) throw new FileError('NO_FILE', 'There is nothing at the path')
      return file
    },

    move: async (name, path, to, how, { signal } = {}) => {
      const asked = `renaming ${path} of ${name}`
      const root = await askEngine(asked, signal, async (abort) => await inside(name, abort))
      if (root !== null) {
        await using held = root
        return await moveInside(held, path, to, how)
      }
      const at = await askEngine(asked, signal, async (abort) => await itself(name, to, abort))
      if (at !== null && !how.replace) throw new FileError('BAD_PATH', 'There is something at the new path already')
      await moveByCommand(exec, name, { from: path, to, at }, signal)
    },

    change: async (name, path, to, { signal } = {}) => {
      const root = await askEngine(`changing ${path} of ${name}`, signal, async (abort) => await inside(name, abort))
      if (root === null) return await changeByCommand(exec, name, path, to, signal)
      await using held = root
      await changeInside(held, path, to)
    },

    openFile: async (name, path, { signal } = {}) => {
      const root = await askEngine(`reading ${path} of ${name}`, signal, async (abort) => await inside(name, abort))
      if (root === null) return null
      await using held = root
      return await openFileInside(held, path)
    },

    openPlace: async (name, path, { signal } = {}) => {
      const root = await askEngine(`writing ${path} of ${name}`, signal, async (abort) => await inside(name, abort))
      if (root === null) return null
      let place: Awaited<ReturnType<typeof openPlaceInside>> = null
      try {
        place = await openPlaceInside(root, path)
      } finally {
        if (place === null) await root[Symbol.asyncDispose]()
      }
      if (place === null) return null
      const held = place
      const release = async (): Promise<void> => {
        await held[Symbol.asyncDispose]()
        await root[Symbol.asyncDispose]()
      }
      // The folder of a file right below the root is the root, which has to be there when the file is put.
      return { ...held, [Symbol.asyncDispose]: release }
    },
  }
}
