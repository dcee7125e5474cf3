import type Docker from 'dockerode'
import PQueue from 'p-queue'
import type { Abort } from '../engine/ask-engine.ts'
import { statusOf } from '../engine/errors.ts'
import type { GpuClaim, GpuDriver } from '../engine/index.ts'
import type { Gpu } from './gpu.ts'
import { freeGpus, type GpuGrant, gpuClaims, gpuGrant, kindOf } from './gpus.ts'

/** Gives GPUs to containers, one container at a time, so that no GPU goes to two. */
export interface GpuAllocator {
  /** Has `create` make the container `name` with what it is granted; the next one waits until it is there. */
  take<T>(
    container: { name: string; gpu: number; gpuKind?: string },
    abort: Abort,
    create: (grant: GpuGrant) => Promise<T>,
  ): Promise<T>
}

/** What {@link createGpuAllocator} works with. */
export interface GpuAllocatorComponents {
  docker: Docker
  /** Those of the machine, now. */
  gpus: () => Promise<readonly Gpu[]>
  /** How the engine gives them; null where it cannot. */
  driver: (abort: Abort) => Promise<GpuDriver | null>
}

/** Who has which is what the engine says of its containers, so that it is right after a restart of the agent, too. */
export function createGpuAllocator({ docker, gpus, driver }: GpuAllocatorComponents): GpuAllocator {
  const turns = new PQueue({ concurrency: 1 })

  async function claims(except: string, abort: Abort): Promise<GpuClaim[]> {
    const containers = await docker.listContainers({ all: true, ...abort })
    const holding = containers.filter(
      ({ State: state, Names: names }) => state !== 'exited' && state !== 'dead' && !names.includes(`/${except}`),
    )
    const details = await Promise.all(holding.map(async ({ Id }) => await inspect(Id, abort)))
    return details.flatMap((found) => (found === null ? [] : gpuClaims(found)))
  }

  async function inspect(id: string, abort: Abort) {
    try {
      return await docker.getContainer(id).inspect(abort)
    } catch (error) {
      if (statusOf(error) === 404) return null // Gone meanwhile.
      throw error
    }
  }

  return {
    async take({ name, gpu, gpuKind }, abort, create) {
      const how = await driver(abort)
      if (gpu === 0) return await create(gpuGrant(0, [], how))
      return await turns.add(async () => {
        const [all, taken] = await Promise.all([gpus(), claims(name, abort)])
        const fit = freeGpus(all, taken).filter(
          (one) => one.problem === null && (gpuKind === undefined || kindOf(one) === gpuKind),
        )
        return await create(gpuGrant(gpu, fit, how))
      })
    },
  }
}
