/** What a machine has to offer: what the engine sees, what its disk has free, less what its owner needs, and capped. */

import { statfs } from 'node:fs/promises'
import { type GpuModel, RESOURCE_KINDS, type Resources } from '../protocol/units.ts'
import { findGpus } from './engine/find-gpus.ts'
import { freeGpus } from './engine/gpus.ts'
import type { EngineInfo, EngineSurvey, Gpu } from './engine/index.ts'

export interface Machine {
  cpuMillis: number
  memoryBytes: number
  /** Free at the moment under the engine's data root. */
  freeStorageBytes: number
  /** Those that the engine can give to a container. */
  gpus: Gpu[]
}

export interface OfferInit {
  /** Share of the machine that is kept for its owner, 0..0.9. The owner's own containers use it up first. */
  ownerShare: number
  caps: Partial<Resources>
}

/**
 * What is offered of a machine in all. Storage is what is free, and what jobs have written of theirs already: so what
 * they hold and have not written is taken off what is free, and nothing twice.
 */
export function offerOf(machine: Machine, { others, writtenBytes }: EngineSurvey, init: OfferInit): Resources {
  const left = (amount: number, used: number): number => Math.floor(amount - Math.max(amount * init.ownerShare, used))
  const offered: Resources = {
    cpuMillis: left(machine.cpuMillis, others.cpuMillis),
    memoryBytes: left(machine.memoryBytes, others.memoryBytes),
    storageBytes: left(machine.freeStorageBytes, 0) + writtenBytes,
    // Nobody shares a GPU with a job.
    gpu: freeGpus(machine.gpus, others.gpus).length,
  }
  for (const kind of RESOURCE_KINDS)
    offered[kind] = Math.max(0, Math.min(offered[kind], init.caps[kind] ?? Number.POSITIVE_INFINITY))
  return offered
}

/** The same GPUs by kind, in the order of the first of each. */
export function gpuModels(gpus: readonly Gpu[]): GpuModel[] {
  const kinds = new Map<string, GpuModel>()
  for (const { model, memoryBytes } of gpus) {
    const kind = kinds.get(`${model} ${memoryBytes}`) ?? { model, memoryBytes, count: 0 }
    kind.count += 1
    kinds.set(`${model} ${memoryBytes}`, kind)
  }
  return [...kinds.values()]
}

/** Looks at this machine, which the engine runs on, too. */
export async function inspectMachine(info: EngineInfo): Promise<Machine> {
  // Loaded when needed: it costs 30 ms of every start that does not sell.
  const { default: system } = await import('systeminformation')
  const [memory, gpus] = await Promise.all([system.mem(), info.gpuDriver === null ? [] : findGpus()])
  return {
    cpuMillis: info.cpuMillis,
    memoryBytes: Math.min(info.memoryBytes, memory.total),
    freeStorageBytes: await freeStorage(info.dataRoot, system.fsSize),
    gpus,
  }
}

/** What a cluster says of its nodes; of their disks only the manager's is known, which is this machine's. */
export async function inspectCluster(info: EngineInfo): Promise<Machine> {
  const { cpuMillis, memoryBytes } = info
  return { ...(await inspectMachine(info)), cpuMillis, memoryBytes }
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
