/**
 * Quotas of btrfs, for an engine whose data lies on one here: as root, with the program `btrfs`. What cannot be done is
 * thrown.
 */

import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, rmdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type Docker from 'dockerode'
import type { Abort } from '../ask-engine.ts'
import { toEngineError } from '../errors.ts'
import { EngineError } from '../index.ts'
import { subvolumeInode } from './folder-size.ts'

const run = promisify(execFile)

/** For one command, in ms; it waits for the file system's running transaction. */
const LIMIT_MS = 30_000

async function btrfs(args: string[], signal: AbortSignal | undefined): Promise<string> {
  // System programs are often not on an ordinary path.
  const env = { PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C' }
  const { stdout } = await run('btrfs', args, { env, timeout: LIMIT_MS, ...(signal === undefined ? {} : { signal }) })
  return stdout
}

/** Asked of the folder around it: what a full subvolume is told about its own limit is written down in it, if there is room. */
async function liftLimit(path: string, signal: AbortSignal | undefined): Promise<void> {
  const id = await btrfs(['inspect-internal', 'rootid', path], signal)
  await btrfs(['qgroup', 'limit', 'none', `0/${id.trim()}`, dirname(path)], signal)
}

/** Makes an empty folder a subvolume, where it is none, and holds it to a size in bytes. */
export async function holdFolder(path: string, bytes: number, signal?: AbortSignal): Promise<void> {
  if ((await stat(path)).ino !== subvolumeInode) {
    const there = await readdir(path)
    if (there.length > 0) throw new Error(`${path} is in use, and no subvolume`)
    await rmdir(path)
    try {
      await btrfs(['subvolume', 'create', path], signal)
    } catch (error) {
      await mkdir(path, { mode: 0o755 }) // As it was.
      throw error
    }
  }
  await btrfs(['qgroup', 'limit', String(bytes), path], signal)
}

/**
 * Removes what is held by a quota. A full subvolume that has others in it, which any program can make, cannot be removed:
 * even that writes something down first. So where the engine says so, the limit goes, and it is asked again.
 *
 * @param folder of what is removed, asked where it must be known
 */
export async function removeHeld(
  remove: () => Promise<void>,
  folder: () => Promise<string>,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await remove()
  } catch (error) {
    if (!/disk quota exceeded/i.test(String(error))) throw error
    try {
      await liftLimit(await folder(), signal)
    } catch (why) {
      const text = `${toEngineError(error, 'removing').message}; nor could the quota be lifted: ${String(why)}`
      throw new EngineError('ENGINE_ERROR', text, { reason: 'quota' }, { cause: error })
    }
    await remove()
  }
}

/** The folder of a container's own files. */
export async function containerFolder(docker: Docker, name: string, abort: Abort): Promise<string> {
  const [{ DockerRootDir: root }, { Id: id }] = await Promise.all([
    docker.info(),
    docker.getContainer(name).inspect(abort),
  ])
  const layer = await readFile(join(root, 'image', 'btrfs', 'layerdb', 'mounts', id, 'mount-id'), 'utf8')
  return join(root, 'btrfs', 'subvolumes', layer.trim())
}
