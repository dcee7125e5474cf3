import { execFile } from 'node:child_process'
import { chmod, lstat, lutimes, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** Runs a program, quietly unless it fails. @throws Error with the end of what it said */
export async function run(
  program: string,
  args: string[],
  options: { cwd?: string; env?: object } = {},
): Promise<string> {
  const env = { ...process.env, ...options.env, LC_ALL: 'C' }
  try {
    const { stdout } = await promisify(execFile)(program, args, { maxBuffer: 2 ** 28, ...options, env })
    return stdout
  } catch (cause) {
    const { stderr = '', message } = cause as { stderr?: string; message: string }
    throw new Error(`${program} ${args.slice(0, 3).join(' ')} failed: ${stderr.trim().slice(-600) || message}`, {
      cause,
    })
  }
}

/** Paths of all files below a folder, relative to it, in the order of their bytes. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
}

/**
 * Gives everything in a folder the same time and modes that depend on nobody's umask: 755 for folders and programs, 644 for
 * the rest, 600 for nothing.
 *
 * @param programs paths, relative to the folder, of what is to be run
 */
export async function settle(folder: string, programs: ReadonlySet<string>, epoch: number): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  // What is inside first: a folder's time is that of its last change.
  const paths = entries
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .reverse()
  for (const path of [...paths, folder]) {
    const info = await lstat(path)
    const mode = info.isDirectory() || programs.has(path.slice(folder.length + 1)) ? 0o755 : 0o644
    if (!info.isSymbolicLink()) await chmod(path, mode)
    await lutimes(path, epoch, epoch)
  }
}

/** A tar of a folder, compressed: the same bytes for the same content, whoever makes it and when. */
export async function tarball(folder: string, name: string, file: string, epoch: number, level: number): Promise<void> {
  const same = ['--sort=name', '--format=gnu', '--owner=0', '--group=0', '--numeric-owner', `--mtime=@${epoch}`]
  await rm(file, { force: true })
  const gzip = `gzip -n -${level}`
  await run('tar', [...same, `--use-compress-program=${gzip}`, '-C', folder, '-cf', file, name])
}
