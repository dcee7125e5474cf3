import { execFile } from 'node:child_process'
import { mkdir, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import { findProgram, installPackages } from '../../../scripts/apt.ts'

const run = promisify(execFile)

/** Mounts an empty btrfs of 2 GiB, kept in a file, below the folder, until the stack is disposed of. Needs root. */
export async function makeBtrfs(folder: string, stack: AsyncDisposableStack): Promise<string> {
  if ((await findProgram('mkfs.btrfs')) === null) await installPackages(['btrfs-progs'], () => undefined)
  const [disk, root] = [join(folder, 'disk'), join(folder, 'engine')]
  await writeFile(disk, '')
  await truncate(disk, 2 * 2 ** 30)
  await run((await findProgram('mkfs.btrfs')) ?? 'mkfs.btrfs', ['--quiet', disk])
  await mkdir(root)
  await run('mount', ['-o', 'loop', disk, root])
  stack.defer(async () => void (await run('umount', ['--lazy', root])))
  return root
}
