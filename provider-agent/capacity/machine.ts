/** What a machine has to offer: what the engine sees, what its disk has free, less what its owner needs, and capped. */

import { statfs } from 'node:fs/promises'
import { RESOURCE_KINDS, type Resources } from '../../protocol/units.ts'
import type { EngineInfo, EngineSurvey } from '../engine/index.ts'
import { findGpus } from '../gpus/find-gpus.ts'
import type { FoundGpus, Gpu, UnsoldCard } from '../gpus/gpu.ts'
import { canGive, freeGpus } from '../gpus/gpus.ts'
import { mountOf } from './mount-of.ts'

/** What the machine under the engine has, whoever uses it. */
export interface Machine {
  /** Millicores. */
  cpuMillis: number
  memoryBytes: number
  /** Free at the moment under the engine's data root. */
  freeStorageBytes: number
  /** All that its tools tell of, `problem` set for those that are not sold. */
  gpus: Gpu[]
  /** Cards that cannot be sold. @default none */
  unsoldCards?: UnsoldCard[]
}

/** What of a machine is not sold. */
export interface OfferInit {
  /** Share of the machine that is kept for its owner, 0..0.9. The owner's own containers use it up first. */
  ownerShare: number
  /** Upper bounds; without one, all that is left is sold. */
  caps: Partial<Resources>
}

/**
 * What is offered of a machine in all. Storage is what is free, and what jobs have written of theirs already: so what
 * they hold and have not written is taken off what is free, and nothing twice.
 */
export function offerOf(machine: Machine, survey: EngineSurvey, init: OfferInit): Resources {
  const { others, writtenBytes } = survey
  const left = (amount: number, used: number): number => Math.floor(amount - Math.max(amount * init.ownerShare, used))
  const offered: Resources = {
    cpuMillis: left(machine.cpuMillis, others.cpuMillis),
    memoryBytes: left(machine.memoryBytes, others.memoryBytes),
    storageBytes: left(machine.freeStorageBytes, 0) + writtenBytes,
    gpu: sellableGpus(machine, survey).length,
  }
  for (const kind of RESOURCE_KINDS)
    offered[kind] = Math.max(0, Math.min(offered[kind], init.caps[kind] ?? Number.POSITIVE_INFINITY))
  return offered
}

/**
 * The GPUs that are sold: nobody shares one with a job. One that fell ill under a job counts until that has ended, so that
 * what is held is there, and the others are sold as before.
 */
export function sellableGpus({ gpus }: Machine, { others, ownGpus }: EngineSurvey): Gpu[] {
  return freeGpus(gpus, others.gpus).filter(({ problem, uuid }) => problem === null || ownGpus.includes(uuid))
}

/** Looks at this machine, which the engine runs on, too. @param look at its GPUs */
export async function inspectMachine(
  info: EngineInfo,
  look: () => Promise<FoundGpus> = async () => await findGpus(),
): Promise<Machine> {
  // Loaded when needed: it costs 30 ms of every start that does not sell.
  const { default: system } = await import('systeminformation')
  const { gpuDriver: driver } = info
  const [memory, found] = await Promise.all([system.mem(), driver === null ? { gpus: [], unsold: [] } : look()])
  return {
    cpuMillis: info.cpuMillis,
    memoryBytes: Math.min(info.memoryBytes, memory.total),
    freeStorageBytes: await freeStorage(info.dataRoot),
    gpus: found.gpus.map((gpu) =>
      driver === null || canGive(gpu, driver) ? gpu : { ...gpu, problem: gpu.problem ?? NO_WAY },
    ),
    unsoldCards: found.unsold,
  }
}

const NO_WAY = 'cannot be given to containers by this engine: install the NVIDIA Container Toolkit'

/** What a cluster says of its nodes; of their disks only the manager's is known, which is this machine's. */
export async function inspectCluster(info: EngineInfo): Promise<Machine> {
  const { cpuMillis, memoryBytes } = info
  return { ...(await inspectMachine(info)), cpuMillis, memoryBytes }
}

/** Bytes free for ordinary users where `path` is; of the mount that holds it where it cannot be looked at itself. */
export async function freeStorage(path: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(path)
    return bavail * bsize
  } catch {
    // The engine's folder is closed to ordinary users, or in another namespace: the mount that holds it tells.
    const { default: system } = await import('systeminformation')
    return mountOf(path, await system.fsSize())?.available ?? 0
  }
}
