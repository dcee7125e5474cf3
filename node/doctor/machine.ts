/** What every part needs of the machine: a folder that it may use and others may not, and room on its disk. */

import { access, constants, readFile, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { processOf } from '../process-of.ts'
import { MIN_FREE_BYTES } from '../store/disk-problem.ts'
import { systemProblem } from '../system-problem.ts'
import { ownVersion } from '../version.ts'
import { type Check, type Finding, fine, wrong } from './check.ts'

/** Under so much it is said. */
const LITTLE_BYTES = 2 ** 30

/** Files that nobody else may read, in the folder of a part. */
const PRIVATE_FILES = ['identity.key', 'admin.key', 'master.key', 'acme/key.pem']

/** Whether a part runs, and as which process. */
export async function runningOn(folder: string): Promise<number | null> {
  const text = await readFile(join(folder, 'pid'), 'utf8').catch(() => '') // never started here
  const pid = Number(text)
  if (!Number.isInteger(pid) || pid <= 0) return null
  return processOf(pid) === null ? null : pid
}

/** This program, Node and the system. */
export function versionCheck(): Check {
  return {
    name: 'version',
    run: async () =>
      fine(
        'version',
        `cortex ${await ownVersion()}, Node ${process.versions.node}, ${process.platform} ${process.arch}`,
      ),
  }
}

/** Whether this user may use the folder of a part, and others may not read what is secret in it. */
export function folderCheck(folder: string): Check {
  const name = 'data folder'
  return {
    name,
    async run() {
      const there = await nearest(folder)
      try {
        await access(there, constants.R_OK | constants.W_OK | constants.X_OK)
      } catch (error) {
        return wrong(name, 'fail', systemProblem(error) ?? (error as Error).message)
      }
      if (there !== folder) return fine(name, `${folder} is not there yet, and can be made`)
      const open = await openFiles(folder)
      if (open.length > 0) {
        const remedy = `if nobody else has had them, run: chmod 600 ${open.map(({ path }) => path).join(' ')}`
        return { check: name, state: 'fail', found: `others on this machine can read ${list(open)}`, remedy }
      }
      const mode = (await stat(folder)).mode & 0o777
      if (process.platform !== 'win32' && (mode & 0o022) !== 0) {
        const found = `others on this machine can change what is in ${folder} (mode 0${mode.toString(8)})`
        return { check: name, state: 'warn', found, remedy: `run: chmod 700 ${folder}` }
      }
      const pid = await runningOn(folder)
      return fine(name, `${folder} is this user’s${pid === null ? '' : `, and in use by process ${pid}`}`)
    },
  }
}

/** Whether the disk has room. */
export function diskCheck(folder: string): Check {
  const name = 'disk'
  return {
    name,
    async run() {
      const { bavail, blocks, bsize } = await statfs(await nearest(folder))
      const free = bavail * bsize
      const found = `${shown(free)} of ${shown(blocks * bsize)} are free for ${folder}`
      if (free >= LITTLE_BYTES) return fine(name, found)
      const state = free < MIN_FREE_BYTES ? 'fail' : 'warn'
      const what = state === 'fail' ? 'no new jobs are taken' : 'outputs and images may find no room'
      return { check: name, state, found: `${found}: ${what}`, remedy: 'make room, or choose another disk by --data' }
    },
  }
}

/** Why the settings cannot be used; null where they can. */
export function configurationFinding(file: string | undefined, problem: string | null): Finding {
  const name = 'configuration'
  if (problem !== null) return wrong(name, 'fail', problem)
  return fine(name, file === undefined ? 'flags, variables and defaults; no --config file' : `${file} is understood`)
}

/** The folder itself, or the nearest around it that is there. */
async function nearest(folder: string): Promise<string> {
  for (let path = folder; ; path = dirname(path)) {
    const isThere = await stat(path).then(
      () => true,
      () => false, // or may not be seen: then the one around it says so
    )
    if (isThere || dirname(path) === path) return path
  }
}

async function openFiles(folder: string): Promise<{ path: string; mode: string }[]> {
  if (process.platform === 'win32') return []
  const found = await Promise.all(
    PRIVATE_FILES.map(async (name) => {
      const path = join(folder, name)
      const mode = await stat(path).then(
        (stats) => stats.mode & 0o777,
        () => 0, // it is not there
      )
      return (mode & 0o077) === 0 ? [] : [{ path, mode: `0${mode.toString(8)}` }]
    }),
  )
  return found.flat()
}

function list(open: { path: string; mode: string }[]): string {
  return open.map(({ path, mode }) => `${path} (mode ${mode})`).join(', ')
}

function shown(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`
}
