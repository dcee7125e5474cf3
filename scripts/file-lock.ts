import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** A lock on a file, held until `release()` or the end of this process, whichever comes first. */
export interface FileLock {
  release(): Promise<void>
}

/**
 * Takes an advisory lock (`flock(2)`) on `path`, which is made if need be. The kernel gives it up when this process dies,
 * so there are no stale locks to recognise. Held by a small child, because Node has no `flock` of its own.
 *
 * @param mode `exclusive` waits for everybody else; `shared` waits for exclusive holders alone; `try-exclusive` answers
 * null at once when anybody holds it.
 */
export async function lockFile(path: string, mode: 'exclusive' | 'shared'): Promise<FileLock>
export async function lockFile(path: string, mode: 'try-exclusive'): Promise<FileLock | null>
export async function lockFile(path: string, mode: 'exclusive' | 'shared' | 'try-exclusive'): Promise<FileLock | null> {
  const flags = { exclusive: ['-x'], shared: ['-s'], 'try-exclusive': ['-x', '-n'] }[mode]
  // `cat` ends when our end of the pipe closes: by release(), or by the kernel when this process is gone.
  const holder = spawn('flock', [...flags, path, 'sh', '-c', 'echo locked; exec cat >/dev/null'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true, // A Ctrl-C in the terminal is for us to handle; the lock must outlive it.
  })
  const ended = once(holder, 'exit')
  const locked = await Promise.race([once(holder.stdout, 'data').then(() => true), ended.then(() => false)])
  if (!locked) {
    if (mode === 'try-exclusive') return null
    throw new Error(`cannot lock ${path}: is its folder writable?`)
  }
  holder.unref()
  for (const pipe of [holder.stdin, holder.stdout] as unknown as { unref(): void }[]) pipe.unref()
  return {
    async release() {
      holder.ref()
      holder.stdin.end()
      await ended
    },
  }
}
