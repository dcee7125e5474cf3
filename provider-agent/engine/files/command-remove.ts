import { posix } from 'node:path'
import { FileError } from '../file-access.ts'
import type { RunCommand } from '../running-exec.ts'
import { programsOf } from './command-run.ts'

/** Removes a path by a program of the image, where nothing outside can do that. */
export async function removeByCommand(
  exec: RunCommand,
  name: string,
  path: string,
  { recursive }: { recursive: boolean },
  signal?: AbortSignal,
): Promise<void> {
  if (path === '/') throw new FileError('BAD_PATH', 'The root of the container stays')
  const run = programsOf(exec, name, signal)
  if ((await run('ls', '-d', '--', path)) !== 0) {
    throw new FileError('NO_FILE', `There is nothing at ${posix.basename(path)}`)
  }
  if ((await run('rm', ...(recursive ? ['-rf'] : []), '--', path)) === 0) return
  if (!recursive && (await run('rmdir', '--', path)) === 0) return
  throw new FileError('BAD_PATH', 'It could not be removed: it is a folder that is not empty, or read-only')
}
