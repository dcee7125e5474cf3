import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/**
 * What a file takes of a disk at least, in bytes, however little is in it: its inode, of which a disk has so many. Half
 * of what file systems reckon with, rounded down, so that ordinary files pay nothing extra.
 */
const leastFileBytes = 4_096

const run = promisify(execFile)

/**
 * What a folder and all below it take of the disk, in bytes: blocks, not lengths, each file once. Null where it cannot be
 * read: it is another machine's, or another user's.
 */
export async function folderBytes(path: string, signal?: AbortSignal): Promise<number | null> {
  const bytes = await du(['--block-size=1', path], signal)
  if (bytes === null) return null
  const files = await du(['--inodes', path], signal)
  return Math.max(bytes, (files ?? 0) * leastFileBytes)
}

/** The first number that du says. It fails when files vanish under it, and has counted all the same. */
async function du(args: string[], signal: AbortSignal | undefined): Promise<number | null> {
  const options = { maxBuffer: 2 ** 20, env: { PATH: process.env.PATH ?? '', LC_ALL: 'C' } }
  const full = ['-n', '10', 'du', '--summarize', '--one-file-system', ...args]
  const { stdout } = await run('nice', full, signal === undefined ? options : { ...options, signal }).catch(
    (error: { stdout?: string }) => ({ stdout: error.stdout ?? '' }),
  )
  signal?.throwIfAborted()
  const number = /^(\d+)\s/.exec(stdout)?.[1]
  return number === undefined ? null : Number(number)
}
