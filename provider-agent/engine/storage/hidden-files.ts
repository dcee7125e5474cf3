/**
 * Files that take room and have no name: deleted ones, or never named, that a program has open or mapped. No walk over
 * folders finds them; the kernel knows them by whose they are.
 */

import { readdir, stat, statfs } from 'node:fs/promises'
import { type Located, processesOf, processFolder } from '../usage/kernel-view.ts'
import { leastFileBytes, outputOf } from './folder-size.ts'

/** Bytes by number of the device that they are on. */
export type HiddenBytes = Map<number, number>

/** File systems that are memory, which is counted as that: tmpfs, which anonymous files are on, too, ramfs, huge pages. */
const MEMORY = new Set([0x01021994, 0x858458f6, 0x958458f6])

/** Different files that are added up, at most: each counts for 4 KiB at least, so what is beyond is far beyond any limit. */
const MOST_FILES = 1_000_000

/** How long a look may take, in s of its own work: a program may have any number of files open. */
const LIMIT_SECONDS = 20
/** The same with all that it waits for: on a busy machine a small look takes long, too, and has to be seen through. */
const WAIT_SECONDS = 10 * LIMIT_SECONDS

/**
 * Each file once, however often it is open, with its blocks. One that is part of the image, and was deleted while it ran, takes
 * nothing that the container wrote: it has not changed since the start.
 */
const ADD_UP = `
  ulimit -t ${LIMIT_SECONDS}
  timeout -s KILL ${WAIT_SECONDS} find -L "$@" -maxdepth 1 -type f -links 0 -newerct "$SINCE" -printf '%D %i %b %p\\n' 2>/dev/null |
  awk '!seen[$1 " " $2]++ {
    bytes = $3 * 512; if (bytes < ${leastFileBytes}) bytes = ${leastFileBytes}
    sum[$1] += bytes; example[$1] = $4; if (++files == ${MOST_FILES}) exit
  } END { for (device in sum) printf "%s %.0f %s\\n", device, sum[device], example[device] }'`

/**
 * @param threads whether threads are looked at one by one, too: each may have files of its own, and costs as much as a
 * process
 * @returns nothing where the container is not this machine's, or may not be looked at
 */
export async function hiddenBytes(
  container: Located & { State: { StartedAt: string }; Mounts: { Type: string; Source: string }[] },
  threads: boolean,
  signal: AbortSignal | undefined,
): Promise<HiddenBytes> {
  const found: HiddenBytes = new Map()
  const folder = await processFolder(container)
  if (folder === null) return found
  const places = await placesOf(await processesOf(folder), threads)
  if (places.length === 0) return found
  // A second earlier: file systems are told the time of the last tick.
  const since = `@${Date.parse(container.State.StartedAt) / 1_000 - 1}`
  const disks = await disksOf(folder, container.Mounts)
  const said = await outputOf('sh', ['-c', ADD_UP, 'sh', ...places], signal, { SINCE: since })
  for (const [, device, bytes, example = ''] of said.matchAll(/^(\d+) (\d+) (\S+)$/gm)) {
    if (disks.has(Number(device)) || !(await isMemory(example, Number(device))))
      found.set(Number(device), Number(bytes))
  }
  return found
}

/** Where a container's own files and volumes are: no file that a program closes and opens again in time makes memory of them. */
async function disksOf(folder: string, mounts: { Type: string; Source: string }[]): Promise<Set<number>> {
  const volumes = mounts.filter(({ Type: type }) => type === 'volume').map(({ Source }) => Source)
  const places = [`${folder}/root`, ...volumes].map(async (path) => (await stat(path).catch(() => null))?.dev ?? [])
  return new Set((await Promise.all(places)).flat())
}

/** Folders of links to what is open. */
async function placesOf(processes: number[], threads: boolean): Promise<string[]> {
  const places = processes.flatMap((pid) => [`/proc/${pid}/fd`, `/proc/${pid}/map_files`])
  if (!threads) return places
  const others = processes.map(async (pid) => {
    const ids = await readdir(`/proc/${pid}/task`).catch(() => []) // it has ended
    return ids.filter((id) => id !== String(pid)).map((id) => `/proc/${pid}/task/${id}/fd`)
  })
  return [...places, ...(await Promise.all(others)).flat()]
}

/** @param device that of the file that was found there: a program may have opened another in its place meanwhile */
async function isMemory(path: string, device: number): Promise<boolean> {
  try {
    const { type } = await statfs(path)
    const isTheSame = (await stat(path)).dev === device
    return MEMORY.has(type) || !isTheSame
  } catch {
    return true // closed meanwhile, as where it is another: what it took is free, or is seen by the next look
  }
}
