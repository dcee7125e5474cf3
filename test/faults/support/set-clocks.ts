/** Wall clocks that are set apart: for one program each, while it runs, and for all that it starts. */

import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { canInstall, installPackages } from '../../../scripts/apt.ts'

export interface SetClock {
  /** What to put before the program. */
  readonly command: string[]
  /** Sets it so many seconds ahead, or behind below 0; programs that run see that within a second. */
  set(aheadSeconds: number): void
}

const LIBRARY = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1'

/** Null where clocks can be set; else why not. Installs what is missing where it may. */
export async function setClockProblem(): Promise<string | null> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'needs Linux on x64, for libfaketime'
  if (await exists(LIBRARY)) return null
  if (!(await canInstall())) return 'needs libfaketime, or root on Debian or Ubuntu to install it'
  try {
    await installPackages(['libfaketime'], () => {})
    return null
  } catch (error) {
    return String(error)
  }
}

/** @param folder where the file with its time is kept */
export function createSetClock(folder: string, name: string, aheadSeconds = 0): SetClock {
  const path = join(folder, `${name}.clock`)
  const set = (seconds: number): void => {
    // Half a file is no time.
    writeFileSync(`${path}.new`, `${seconds < 0 ? '' : '+'}${seconds}\n`)
    renameSync(`${path}.new`, path)
  }
  set(aheadSeconds)
  const settings = {
    LD_PRELOAD: LIBRARY,
    FAKETIME_TIMESTAMP_FILE: path,
    FAKETIME_CACHE_DURATION: '1',
    // Timers and spans go by this one, which nobody can set.
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    NO_FAKE_STAT: '1',
  }
  return { command: ['env', ...Object.entries(settings).map((setting) => setting.join('='))], set }
}

/** Removes what the library leaves in shared memory of programs that were killed. */
export function forgetSetClocks(): void {
  const folder = '/dev/shm'
  for (const name of readdirSync(folder)) {
    const [, pid] = /^(?:sem\.)?faketime_(?:sem|shm)_(\d+)$/.exec(name) ?? []
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(join(folder, name), { force: true })
  }
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  )
}
