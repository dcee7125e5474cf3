import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'
import type { Abort } from '../ask-engine.ts'
import { statusOf } from '../errors.ts'
import { EngineError, KILLED } from '../index.ts'

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
  UpdatedAt: string
  Spec: SwarmServiceSpec
  /** Before the last change. */
  PreviousSpec?: SwarmServiceSpec
}

interface SwarmServiceSpec {
  Name: string
  Labels?: Record<string, string>
  Mode: { ReplicatedJob?: { TotalCompletions?: number } }
}

/** Ended without a word of the container: it never ran, or nobody knows what became of it. */
const UNTOLD = new Set(['rejected', 'orphaned'])
const ENDED = new Set(['complete', 'failed', 'rejected', 'shutdown', 'orphaned', 'remove'])
const FIRST_POLL_MS = 50
const LAST_POLL_MS = 500

/** Whether Swarm is done with the task, however it ended. */
export function hasEnded({ Status: { State } }: SwarmTask): boolean {
  return ENDED.has(State)
}

/** What a task's container ended with, where it is told. @throws EngineError where it is not */
export function exitCodeOf({ Status: { State, Err, ContainerStatus: container } }: SwarmTask): number {
  if (UNTOLD.has(State))
    throw new EngineError('ENGINE_ERROR', Err ?? `the task is ${State}`, { reason: `task-${State}` })
  if (State === 'complete') return 0
  // One that was ended before it ran has a container in name only.
  const hasRun = container?.ContainerID !== undefined && container.ContainerID !== ''
  return hasRun ? (container.ExitCode ?? KILLED) : KILLED
}

/** Null where there is none of that name. */
export async function findService(docker: Docker, name: string, abort: Abort): Promise<SwarmService | null> {
  try {
    return (await docker.getService(name).inspect(abort as object)) as SwarmService
  } catch (error) {
    if (statusOf(error) === 404) return null
    throw error
  }
}

/** @throws {EngineError} `ENGINE_ERROR`, `details.reason: 'not-found'`, where there is none of that name */
export async function getService(docker: Docker, name: string, abort: Abort): Promise<SwarmService> {
  const found = await findService(docker, name, abort)
  if (found === null) throw new EngineError('ENGINE_ERROR', `there is no service ${name}`, { reason: 'not-found' })
  return found
}

/** Looks for the one task of a service; null before it was started. */
export type LookForTask = (service: string, abort: Abort) => Promise<SwarmTask | null>

/** Remembers what it saw: a task that is stopped by way of its service is soon forgotten by Swarm, maybe before its end was seen. */
export function createTaskLook(docker: Docker): LookForTask {
  const seen = new Map<string, SwarmTask>()

  return async (service, abort) => {
    const tasks = (await docker.listTasks({ filters: { service: [service] }, ...abort })) as SwarmTask[]
    const task = tasks.toSorted((a, b) => (a.CreatedAt < b.CreatedAt ? -1 : 1))[0]
    if (task !== undefined) {
      seen.set(service, task)
      return task
    }
    const found = await findService(docker, service, abort)
    if (found === null) seen.delete(service)
    if (found === null || runsOf(found.Spec) > 0 || runsOf(found.PreviousSpec) === 0) return null
    const { ID: ServiceID, UpdatedAt: atTime } = found
    const before = seen.get(service) ?? { ID: '', CreatedAt: atTime, ServiceID, Spec: {} }
    return { ...before, Status: { Timestamp: atTime, State: 'shutdown' } }
  }
}

function runsOf(spec: SwarmServiceSpec | undefined): number {
  return spec?.Mode.ReplicatedJob?.TotalCompletions ?? 0
}

/** Looks again and again, more and more slowly: Swarm has no call that waits. */
export async function untilTask(
  docker: Docker,
  look: LookForTask,
  service: string,
  is: (task: SwarmTask) => boolean,
  abort: Abort,
): Promise<SwarmTask> {
  for (let pauseMs = FIRST_POLL_MS; ; pauseMs = Math.min(LAST_POLL_MS, pauseMs * 1.5)) {
    const task = await look(service, abort)
    if (task !== null && is(task)) return task
    if (task === null) await getService(docker, service, abort)
    await delay(pauseMs, undefined, abort.abortSignal === undefined ? {} : { signal: abort.abortSignal })
  }
}

/**
 * Resolves never, and rejects when the node that a service's task is on has been down for so long: Swarm itself gives such a
 * task up after a day, and cannot tell how it is.
 */
export async function whileNodeLives(
  docker: Docker,
  look: LookForTask,
  service: string,
  lostMs: number,
  abort: Abort,
): Promise<never> {
  const { abortSignal: signal } = abort
  for (let downSinceMs: number | null = null; ; ) {
    await delay(lostMs / 5, undefined, signal === undefined ? {} : { signal })
    const node = (await look(service, abort))?.NodeID
    const isDown = node !== undefined && node !== '' && (await stateOf(docker, node, abort)) === 'down'
    downSinceMs = isDown ? (downSinceMs ?? performance.now()) : null
    if (downSinceMs === null || performance.now() - downSinceMs < lostMs) continue
    throw new EngineError('ENGINE_ERROR', `the node that runs ${service} is down`, { reason: 'node-lost' })
  }
}

/** `down` also for one that is no longer of the swarm. */
async function stateOf(docker: Docker, node: string, abort: Abort): Promise<string> {
  try {
    return ((await docker.getNode(node).inspect(abort as object)) as { Status: { State: string } }).Status.State
  } catch (error) {
    if (statusOf(error) === 404) return 'down'
    throw error
  }
}
