import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'
import type { Abort } from './call.ts'
import { statusOf } from './errors.ts'
import { EngineError } from './index.ts'

/** The fields of a task that are read here. */
export interface SwarmTask {
  ID: string
  CreatedAt: string
  NodeID?: string
  ServiceID: string
  Status: {
    Timestamp: string
    State: string
    Err?: string
    ContainerStatus?: { ContainerID?: string; ExitCode?: number } | null
  }
  Spec: { Resources?: { Limits?: { NanoCPUs?: number; MemoryBytes?: number } } }
}

/** The fields of a service that are read here. */
export interface SwarmService {
  ID: string
  Version: { Index: number }
  Spec: { Name: string; Labels?: Record<string, string>; Mode: { ReplicatedJob?: { TotalCompletions?: number } } }
}

const ENDED = new Set(['complete', 'failed', 'rejected', 'shutdown', 'orphaned', 'remove'])
const FIRST_POLL_MS = 50
const LAST_POLL_MS = 500

export function hasEnded({ Status: { State } }: SwarmTask): boolean {
  return ENDED.has(State)
}

export async function findService(docker: Docker, name: string, abort: Abort): Promise<SwarmService | null> {
  try {
    return (await docker.getService(name).inspect(abort as object)) as SwarmService
  } catch (error) {
    if (statusOf(error) === 404) return null
    throw error
  }
}

export async function getService(docker: Docker, name: string, abort: Abort): Promise<SwarmService> {
  const found = await findService(docker, name, abort)
  if (found === null) throw new EngineError('ENGINE_ERROR', `there is no service ${name}`, { reason: 'not-found' })
  return found
}

/** The one task of a service; null before it was started. */
export async function taskOf(docker: Docker, service: string, abort: Abort): Promise<SwarmTask | null> {
  const tasks = (await docker.listTasks({ filters: { service: [service] }, ...abort })) as SwarmTask[]
  return tasks.toSorted((a, b) => (a.CreatedAt < b.CreatedAt ? -1 : 1))[0] ?? null
}

/** Looks again and again, more and more slowly: Swarm has no call that waits. */
export async function untilTask(
  docker: Docker,
  service: string,
  is: (task: SwarmTask) => boolean,
  abort: Abort,
): Promise<SwarmTask> {
  for (let pauseMs = FIRST_POLL_MS; ; pauseMs = Math.min(LAST_POLL_MS, pauseMs * 1.5)) {
    const task = await taskOf(docker, service, abort)
    if (task !== null && is(task)) return task
    if (task === null) await getService(docker, service, abort)
    await delay(pauseMs, undefined, abort.abortSignal === undefined ? {} : { signal: abort.abortSignal })
  }
}
