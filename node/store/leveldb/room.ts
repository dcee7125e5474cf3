import { open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** What opening writes beside the log's content, in bytes: a manifest and the beginning of a new log. */
const EXTRA_BYTES = 256 * 1024

/**
 * Whether LevelDB could be opened: it writes what its log holds into a table. Found out by writing as much, because
 * free space says nothing of quotas and broken disks.
 */
export async function hasRoom(location: string): Promise<boolean> {
  const scratch = join(location, 'scratch')
  try {
    const file = await open(scratch, 'w')
    try {
      await file.writeFile(Buffer.alloc((await logBytes(location)) + EXTRA_BYTES, 1))
      await file.sync()
    } finally {
      await file.close()
    }
    return true
  } catch {
    return false // no room, whatever the reason
  } finally {
    await rm(scratch, { force: true }).catch(() => undefined) // the next try writes over it
  }
}

async function logBytes(location: string): Promise<number> {
  const logs = (await readdir(location)).filter((name) => name.endsWith('.log'))
  const sizes = await Promise.all(logs.map(async (name) => (await stat(join(location, name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}
