import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { tryLock } from 'fs-native-extensions'

/** The lock on a data folder, until `release()` or the end of this process, however it ends. */
export interface FolderLock {
  release(): Promise<void>
}

/**
 * Makes this process the only one that reads or writes in `folder`, made with mode 0700 where it is missing. LevelDB's own
 * lock begins with its opening, which is too late for what is read before.
 *
 * @returns null where another process, or this one, holds it
 */
export async function lockFolder(folder: string): Promise<FolderLock | null> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = await open(join(folder, 'lock'), 'a', 0o600)
  let isMine = false
  try {
    isMine = tryLock(file.fd)
  } finally {
    if (!isMine) await file.close()
  }
  return isMine ? { release: async () => await file.close() } : null
}
