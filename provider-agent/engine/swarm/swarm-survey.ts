import type Docker from 'dockerode'
import type { Abort } from '../ask-engine.ts'
import type { ContainerSummary, EngineSurvey } from '../index.ts'
import { ownerLabel } from '../labels.ts'
import { hasEnded, type LookForTask, type SwarmService, type SwarmTask } from './swarm-tasks.ts'

/** The services of an owner, and the networks whose service is gone. */
export async function listOwned(
  docker: Docker,
  taskOf: LookForTask,
  owner: string,
  abort: Abort,
): Promise<ContainerSummary[]> {
  const services = await servicesOf(docker, owner, abort)
  const networks = await docker.listNetworks({ filters: labelledBy(owner), ...abort })
  const found = await Promise.all(
    services.map(async ({ Spec: { Name: name, Labels: labels = {} } }): Promise<ContainerSummary> => {
      const task = await taskOf(name, abort)
      return { name, labels, state: task === null ? 'created' : hasEnded(task) ? 'exited' : 'running' }
    }),
  )
  const names = new Set(found.map(({ name }) => name))
  for (const { Name: name, Labels: labels } of networks) {
    if (!names.has(name)) found.push({ name, state: 'network-only', labels: labels ?? {} })
  }
  return found
}

/** What others than the owner hold of the swarm: the limits of their tasks. */
export async function surveySwarm(docker: Docker, owner: string, abort: Abort): Promise<EngineSurvey> {
  const mine = new Set((await servicesOf(docker, owner, abort)).map(({ ID }) => ID))
  const tasks = (await docker.listTasks(abort as object)) as SwarmTask[]
  const limits = tasks
    .filter((task) => !mine.has(task.ServiceID) && !hasEnded(task))
    .map(({ Spec }) => Spec.Resources?.Limits ?? {})
  return {
    others: {
      cpuMillis: Math.ceil(limits.reduce((sum, { NanoCPUs = 0 }) => sum + NanoCPUs, 0) / 1e6),
      memoryBytes: limits.reduce((sum, { MemoryBytes = 0 }) => sum + MemoryBytes, 0),
      gpus: [],
    },
    writtenBytes: 0,
    ownGpus: [],
  }
}

async function servicesOf(docker: Docker, owner: string, abort: Abort): Promise<SwarmService[]> {
  return (await docker.listServices({ filters: labelledBy(owner), ...abort } as object)) as unknown as SwarmService[]
}

function labelledBy(owner: string): { label: string[] } {
  return { label: [`${ownerLabel}=${owner}`] }
}
