import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

/** Takes away what an engine left mounted below its folder: that of containers which it still had when it ended. */
export async function unmountUnder(folder: string): Promise<void> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n').flatMap((line) => line.split(' ')[1] ?? [])
  // Those mounted last lie below others.
  for (const mount of mounts.filter((path) => path.startsWith(`${folder}/`)).reverse()) {
    await promisify(execFile)('umount', ['--lazy', mount])
  }
}
