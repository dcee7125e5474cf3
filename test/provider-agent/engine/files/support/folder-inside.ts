import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { FileError } from '../../../../../provider-agent/engine/file-access.ts'
import { type Inside, isOfDisk, O_PATH } from '../../../../../provider-agent/engine/files/inside.ts'
import { createKernelFiles } from '../../../../../provider-agent/engine/files/kernel-files.ts'

/** Why nothing is put by the kernel in folders for a test; false where it is. */
export async function reasonToSkipPuts(): Promise<string | false> {
  await using held = await folderInside(tmpdir())
  return (await isOfDisk(held.root, { orMemory: false })) ? false : 'needs a folder for temporary files on a disk'
}

/** A folder of this machine as if it were a container's root. */
export async function folderInside(folder: string): Promise<Inside> {
  const root = await open(folder, O_PATH | constants.O_DIRECTORY)
  return { root, hasOwnNumbers: true, [Symbol.asyncDispose]: async () => await root.close() }
}

/** The kernel's files of such a folder. @param run which commands were to run in the container: none of them does */
export function filesOf(folder: string, run: string[][]) {
  return createKernelFiles({
    inside: async () => await folderInside(folder),
    itself: async () => null,
    exec: async (_name, { command }) => {
      run.push(command)
      throw new FileError('BAD_PATH', 'There are no commands here')
    },
  })
}
