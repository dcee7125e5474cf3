import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/**
 * What a file takes of a disk at least, in bytes, however little is in it: its inode, of which a disk has so many. Half
 * of what file systems reckon with, rounded down, so that ordinary files pay nothing extra.
 */
export const leastFileBytes = 4_096

/** Of the root of every btrfs subvolume. */
export const subvolumeInode = 256

const run = promisify(execFile)

/**
 * What a folder and all below it take of the disk, in bytes: blocks, not lengths, each file once. Other file systems below
 * it count, too: a btrfs subvolume looks like one, and anybody can make one in a folder of their own. Null where it cannot be
 * read: it is another machine's, or another user's.
 */
export async function folderBytes(path: string, signal?: AbortSignal): Promise<number | null> {
  const bytes = await du(['--block-size=1', path], signal)
  if (bytes === null) return null
  const files = await du(['--inodes', path], signal)
  return Math.max(bytes, (files ?? 0) * leastFileBytes)
}

/** Blocks of all btrfs subvolumes below a folder, in bytes; 0 where it cannot be read. */
export async function subvolumeBytes(path: string, signal?: AbortSignal): Promise<number> {
  const roots = ['-mindepth', '1', '-xdev', '-type', 'd', '-inum', String(subvolumeInode)]
  const measure = ['-exec', 'du', '--summarize', '--block-size=1', '{}', '+']
  const said = await outputOf('find', [path, ...roots, ...measure], signal)
  // A line each. A name with a line break can only add to it.
  return [...said.matchAll(/^(\d+)\t/gm)].reduce((sum, [, bytes]) => sum + Number(bytes), 0)
}

/** The first number that du says. It fails when files vanish under it, and has counted all the same. */
async function du(args: string[], signal: AbortSignal | undefined): Promise<number | null> {
  const number = /^(\d+)\s/.exec(await outputOf('du', ['--summarize', ...args], signal))?.[1]
  return number === undefined ? null : Number(number)
}

/** What a program says, whether it fails or not, at low priority. */
export async function outputOf(
  program: string,
  args: string[],
  signal: AbortSignal | undefined,
  variables: Record<string, string> = {},
): Promise<string> {
  const options = { maxBuffer: 2 ** 20, env: { PATH: process.env.PATH ?? '', LC_ALL: 'C', ...variables } }
  const full = ['-n', '10', program, ...args]
  const { stdout } = await run('nice', full, signal === undefined ? options : { ...options, signal }).catch(
    (error: { stdout?: string }) => ({ stdout: error.stdout ?? '' }),
  )
  signal?.throwIfAborted()
  return stdout
}
