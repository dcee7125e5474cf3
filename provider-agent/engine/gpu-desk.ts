import type Docker from 'dockerode'
import type { DeviceRequest } from 'dockerode'
import PQueue from 'p-queue'
import type { Abort } from './call.ts'
import { statusOf } from './errors.ts'
import { freeGpus, gpuClaims, gpuRequests } from './gpus.ts'
import type { Gpu, GpuClaim, GpuDriver } from './index.ts'

/** Gives GPUs to containers, one container at a time, so that no GPU goes to two. */
export interface GpuDesk {
  /** Has `create` make the container `name` with these requests; the next one waits until it is there. */
  take<T>(
    container: { name: string; gpu: number },
    abort: Abort,
    create: (requests: DeviceRequest[]) => Promise<T>,
  ): Promise<T>
}

export interface GpuDeskComponents {
  docker: Docker
  gpus: () => Promise<Gpu[]>
  driver: (abort: Abort) => Promise<GpuDriver | null>
}

/** Who has which is what the engine says of its containers, so that it is right after a restart of the agent, too. */
export function createGpuDesk({ docker, gpus, driver }: GpuDeskComponents): GpuDesk {
  const turns = new PQueue({ concurrency: 1 })

  async function claims(except: string, abort: Abort): Promise<GpuClaim[]> {
    const containers = await docker.listContainers({ all: true, ...abort })
    const holding = containers.filter(
      ({ State: state, Names: names }) => state !== 'exited' && state !== 'dead' && !names.includes(`/${except}`),
    )
    const details = await Promise.all(holding.map(async ({ Id }) => await inspect(Id, abort)))
    return details.flatMap((found) => gpuClaims(found?.HostConfig.DeviceRequests))
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
    async take({ name, gpu }, abort, create) {
      if (gpu === 0) return await create([])
      return await turns.add(async () => {
        const [all, taken, how] = await Promise.all([gpus(), claims(name, abort), driver(abort)])
        return await create(gpuRequests(gpu, freeGpus(all, taken), how))
      })
    },
  }
}
