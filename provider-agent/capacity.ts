/** What a machine has to offer: what the engine sees, what its disk has free, less the owner's share, capped by the owner. */

import { statfs } from 'node:fs/promises'
import { RESOURCE_KINDS, type Resources } from '../protocol/units.ts'
import type { EngineInfo } from './engine/index.ts'

export interface Machine {
  cpuMillis: number
  memoryBytes: number
  /** Free at the moment under the engine's data root. */
  freeStorageBytes: number
  gpu: number
}

/** What is offered of a machine. */
export function offerOf(machine: Machine, init: { ownerShare: number; caps: Partial<Resources> }): Resources {
  const share = 1 - init.ownerShare
  const offered: Resources = {
    cpuMillis: Math.floor(machine.cpuMillis * share),
    memoryBytes: Math.floor(machine.memoryBytes * share),
    storageBytes: Math.floor(machine.freeStorageBytes * share),
    // Nobody shares a GPU with a job.
    gpu: machine.gpu,
  }
  for (const kind of RESOURCE_KINDS)
    offered[kind] = Math.max(0, Math.min(offered[kind], init.caps[kind] ?? Number.POSITIVE_INFINITY))
  return offered
}

/** Looks at this machine, which the engine runs on, too. GPUs are not looked for yet, so none are offered. */
export async function inspectMachine(info: EngineInfo): Promise<Machine> {
  // Loaded when needed: it costs 30 ms of every start that does not sell.
  const { default: system } = await import('systeminformation')
  const memory = await system.mem()
  return {
    cpuMillis: info.cpuMillis,
    memoryBytes: Math.min(info.memoryBytes, memory.total),
    freeStorageBytes: await freeStorage(info.dataRoot, system.fsSize),
    gpu: 0,
  }
}

/** Bytes free for ordinary users where `path` is; of the mount that holds it where it cannot be looked at itself. */
async function freeStorage(
  path: string,
  fsSize: () => Promise<{ available: number; mount: string }[]>,
): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(path)
    return bavail * bsize
  } catch {
    // The engine's folder is closed to ordinary users, or in another namespace: the mount that holds it tells.
    const mounts = (await fsSize()).filter(
      ({ mount }) => path === mount || path.startsWith(mount === '/' ? '/' : `${mount}/`),
    )
    return mounts.reduce((best, next) => (next.mount.length > best.mount.length ? next : best), {
      available: 0,
      mount: '',
    }).available
  }
}
