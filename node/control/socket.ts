/** Where the owner's commands meet what runs on a data folder: a unix socket in it, for its own user alone. */

import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'

/** In a folder of its own, closed to others before there is a socket that others could open. */
const FOLDER = 'control'

/** Who answers on it. */
export type ControlPart = 'agent' | 'gateway' | 'client'

/** What the kernel takes for the path of a socket, less than the shortest limit there is (104 on macOS). */
const MAX_PATH_BYTES = 100

/** A path that the kernel takes for a socket. */
export interface SocketPath {
  path: string
  /** The path means nothing any more afterwards. */
  release(): Promise<void>
}

/** Makes the folder of the socket, mode 0700, where it is missing: before {@link socketPath}. */
export async function prepareSocketFolder(dataFolder: string): Promise<void> {
  await mkdir(join(dataFolder, FOLDER), { recursive: true, mode: 0o700 })
}

/**
 * The socket's path; on Linux, one through this process's open folder where the real one is too long for the kernel.
 *
 * @throws where the folder is missing, or the path is too long elsewhere
 */
export async function socketPath(dataFolder: string, part: ControlPart): Promise<SocketPath> {
  const folder = join(dataFolder, FOLDER)
  const path = join(folder, `${part}.sock`)
  if (Buffer.byteLength(path) <= MAX_PATH_BYTES) return { path, release: async () => undefined }
  if (process.platform !== 'linux') throw new Error(`${path} is too long for a socket: choose a shorter --data`)
  const handle = await open(folder)
  return { path: `/proc/self/fd/${handle.fd}/${part}.sock`, release: async () => await handle.close() }
}
