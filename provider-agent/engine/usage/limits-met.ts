/** Limits of a container that hold by refusing: the kernel counts or shows that they were met, and the engine does not say. */

import { readFile, stat, statfs } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'
import { askEngine } from '../ask-engine.ts'
import { checkName } from '../container/spec.ts'
import type { AbortOptions, MetLimit } from '../index.ts'
import { controlGroup, processesOf, processFolder } from './kernel-view.ts'

/** Between two looks, in ms. A look reads a few files of the kernel's, one for each process. */
const EVERY_MS = 500

const TMPFS = 0x01021994
/** A file system of memory that has less left than this, in bytes, has none for the next page of most programs. */
const NEARLY_FULL = 4 * 4_096

/** The fields of the engine's answer that are read here. */
interface Inspected {
  Id: string
  State: { Pid: number }
  HostConfig: { PidsLimit?: number | null; Ulimits?: { Name: string; Hard: number }[] | null }
}

/** See `ContainerEngine.limitsMet`. */
export async function* watchLimits(
  docker: Docker,
  name: string,
  { signal }: AbortOptions = {},
): AsyncIterable<MetLimit> {
  checkName(name)
  const container = await askEngine(`looking at the limits of ${name}`, signal, async (abort) => {
    return (await docker.getContainer(name).inspect(abort)) as unknown as Inspected
  })
  let refused = 0
  for (;;) {
    const folder = await processFolder(container)
    if (folder === null) return // it has ended, or is another machine's
    const { PidsLimit: pids, Ulimits: limits } = container.HostConfig
    const refusedNow = await refusedProcesses(folder)
    if (refusedNow > refused) yield { what: 'pids', limit: pids ?? 0, used: pids ?? 0 }
    refused = refusedNow
    const files = limits?.find((limit) => limit.Name === 'nofile')?.Hard ?? 0
    for (const limit of await Promise.all([fullMemory(folder), mostFiles(folder, files)]))
      if (limit !== null) yield limit
    await delay(EVERY_MS, undefined, signal === undefined ? {} : { signal })
  }
}

/** How often the kernel has started no further process, which it counts. */
async function refusedProcesses(folder: string): Promise<number> {
  const group = await controlGroup(folder, 'pids')
  const events = group === null ? '' : await readFile(`${group}/pids.events`, 'utf8').catch(() => '')
  return Number(/^max (\d+)$/m.exec(events)?.[1] ?? 0)
}

async function fullMemory(folder: string): Promise<MetLimit | null> {
  const found = await statfs(`${folder}/root/dev/shm`).catch(() => null) // it has just ended
  if (found?.type !== TMPFS || found.bavail * found.bsize >= NEARLY_FULL) return null
  const limit = found.blocks * found.bsize
  return { what: 'shm', limit, used: limit - found.bavail * found.bsize }
}

/** Since Linux 6.2 the size of that folder is the number of its files; before, it is 0. */
async function mostFiles(folder: string, limit: number): Promise<MetLimit | null> {
  if (limit <= 0) return null
  const counts = (await processesOf(folder)).map(
    async (pid) => (await stat(`/proc/${pid}/fd`).catch(() => null))?.size ?? 0,
  )
  const used = Math.max(0, ...(await Promise.all(counts)))
  return used >= limit ? { what: 'files', limit, used } : null
}
