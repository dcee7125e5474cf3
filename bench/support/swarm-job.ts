import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'

interface Task {
  Status: { State: string }
}

/**
 * Runs a Swarm replicated job of so many tasks on the engine and answers tasks a second; null where the engine cannot be
 * a Swarm manager. A swarm that this call made is left again.
 */
export async function runSwarmJob(
  docker: Docker,
  image: string,
  tasks: number,
  concurrency: number,
): Promise<number | null> {
  const made = await joinSwarm(docker)
  if (made === null) return null
  try {
    const begin = performance.now()
    // Replicated jobs are newer than the client's types.
    const service = await docker.createService({
      Name: `cortex-bench-${Date.now()}`,
      TaskTemplate: {
        ContainerSpec: { Image: image, Command: ['true'] },
        RestartPolicy: { Condition: 'none' },
        Resources: { Limits: { NanoCPUs: 100_000_000, MemoryBytes: 16 * 2 ** 20 } },
      },
      Mode: { ReplicatedJob: { MaxConcurrent: concurrency, TotalCompletions: tasks } },
    } as unknown as Docker.CreateServiceOptions)
    try {
      for (;;) {
        const all = (await docker.listTasks({ filters: { service: [service.id] } })) as Task[]
        if (all.filter((task) => task.Status.State === 'complete').length >= tasks) break
        await delay(250)
      }
      return tasks / ((performance.now() - begin) / 1000)
    } finally {
      await docker.getService(service.id).remove()
    }
  } finally {
    if (made) await docker.swarmLeave({ force: true })
  }
}

/** Whether this call made the swarm; null where there can be none. */
async function joinSwarm(docker: Docker): Promise<boolean | null> {
  const { Swarm } = (await docker.info()) as { Swarm?: { LocalNodeState: string; ControlAvailable: boolean } }
  if (Swarm?.LocalNodeState === 'active') return Swarm.ControlAvailable ? false : null
  await docker.swarmInit({ ListenAddr: '127.0.0.1:2377', AdvertiseAddr: '127.0.0.1' })
  return true
}
