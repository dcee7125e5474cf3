import type Docker from 'dockerode'
import type { Abort } from '../ask-engine.ts'
import { statusOf } from '../errors.ts'
import type { LookForTask, SwarmTask } from './swarm-tasks.ts'

type InspectedState = Docker.ContainerInspectInfo['State']

/** The tasks whose containers are on the manager itself, of which its engine knows all that it knows of any container. */
export interface LocalTasks {
  /** The id of a task's container; null where it has none here. */
  container(task: SwarmTask | null, abort: Abort): Promise<string | null>
  /** The same of a service's newest task. */
  containerOf(name: string, abort: Abort): Promise<string | null>
  state(task: SwarmTask, abort: Abort): Promise<{ id: string; state: InspectedState } | null>
}

/** Asks the manager's engine each time. @param docker connected to the manager */
export function createLocalTasks(docker: Docker, taskOf: LookForTask): LocalTasks {
  async function container(task: SwarmTask | null, abort: Abort): Promise<string | null> {
    const id = task?.Status.ContainerStatus?.ContainerID
    if (id === undefined || id === '') return null
    try {
      await docker.getContainer(id).inspect(abort)
      return id
    } catch (error) {
      if (statusOf(error) === 404) return null
      throw error
    }
  }

  return {
    container,
    containerOf: async (name, abort) => await container(await taskOf(name, abort), abort),
    async state(task, abort) {
      const id = await container(task, abort)
      return id === null ? null : { id, state: (await docker.getContainer(id).inspect(abort)).State }
    },
  }
}
