import type Docker from 'dockerode'
import type { NetworkCreateOptions } from 'dockerode'
import pRetry from 'p-retry'
import { removeNetwork } from '../../networks/network.ts'
import type { Abort } from '../ask-engine.ts'
import { statusOf, toEngineError } from '../errors.ts'
import { EngineError } from '../index.ts'
import { ownerLabel } from '../labels.ts'
import { ONE_RUN, type ServiceSpec } from './swarm-spec.ts'
import { getService, hasEnded, type LookForTask, type SwarmTask, untilTask, whileNodeLives } from './swarm-tasks.ts'

/** Creates the network of a service; one of that name is taken for it. */
export async function createOverlay(docker: Docker, options: NetworkCreateOptions, abort: Abort): Promise<void> {
  await docker.createNetwork({ ...options, ...abort }).catch((error) => {
    if (statusOf(error) !== 409) throw error
  })
}

/** Removes a service; that there is none is no error. */
export async function removeService(docker: Docker, name: string, abort: Abort): Promise<void> {
  const removed = docker.getService(name).remove(abort as object)
  await removed.catch((error) => {
    if (statusOf(error) !== 404) throw error
  })
}

/** Creates a service; one of that name is taken for it where it is the same owner's. */
export async function createService(docker: Docker, spec: ServiceSpec, owner: string, abort: Abort): Promise<void> {
  try {
    await docker.createService({ ...spec, ...abort } as ServiceSpec)
  } catch (error) {
    if (statusOf(error) !== 409) throw error
    const { Spec } = await getService(docker, spec.Name ?? '', abort)
    if (Spec.Labels?.[ownerLabel] === owner) return
    throw new EngineError('ENGINE_ERROR', `the name ${spec.Name} is taken`, { reason: 'name-taken' }, { cause: error })
  }
}

/** How often a service runs. Swarm itself writes to services, too, and refuses who has not read what it wrote last. */
export async function setRuns(docker: Docker, name: string, runs: typeof ONE_RUN, abort: Abort): Promise<void> {
  const attempt = async (): Promise<void> => {
    const { ID: id, Version: version, Spec: spec } = await getService(docker, name, abort)
    if (spec.Mode.ReplicatedJob?.TotalCompletions === runs.TotalCompletions) return
    const next = { ...spec, Mode: { ReplicatedJob: runs } }
    await docker.getService(id).update({ version: version.Index, ...next, ...abort } as object)
  }
  const { abortSignal: signal } = abort
  await pRetry(attempt, {
    retries: 20,
    minTimeout: 20,
    maxTimeout: 500,
    ...(signal && { signal }),
    shouldRetry: ({ error }) => /update out of sequence/.test(String(error)),
  })
}

/** Lets a service run, once in all; answers its task, which runs or has ended. @throws where it could not be started */
export async function startRun(docker: Docker, taskOf: LookForTask, name: string, abort: Abort): Promise<SwarmTask> {
  await getService(docker, name, abort)
  // A second run of a job that has ended would be a second job.
  if ((await taskOf(name, abort)) === null) await setRuns(docker, name, ONE_RUN, abort)
  const hasBegun = (one: SwarmTask): boolean => one.Status.State === 'running' || hasEnded(one)
  const task = await untilTask(docker, taskOf, name, hasBegun, abort)
  const { State: state, Err: problem = '', ContainerStatus: container } = task.Status
  if (state === 'rejected' || (state === 'failed' && !container?.ContainerID)) throw new Error(problem)
  if (state === 'failed' && /^starting container failed/.test(problem)) throw new Error(problem)
  return task
}

/** The task once it has ended. @throws {EngineError} where its node is down for longer than `lostMs` */
export async function untilRunEnded(
  docker: Docker,
  taskOf: LookForTask,
  name: string,
  { lostMs, signal }: { lostMs: number; signal: AbortSignal | undefined },
): Promise<SwarmTask> {
  const over = new AbortController()
  const abort = { abortSignal: signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]) }
  const lost = whileNodeLives(docker, taskOf, name, lostMs, abort)
  const ended = untilTask(docker, taskOf, name, hasEnded, abort)
  try {
    return await Promise.race([ended, lost])
  } finally {
    over.abort()
    await Promise.allSettled([ended, lost])
  }
}

/** Removes the network of a service, which goes when the last task has left it, and a moment after the answer that it does. */
export async function untilRemoved(docker: Docker, name: string, abort: Abort): Promise<void> {
  const attempt = async (): Promise<void> => {
    await removeNetwork(docker, name, abort).catch((error) => {
      if (!/in use|not found/i.test(toEngineError(error, '').message)) throw error
    })
    const left = await docker.listNetworks({ filters: { name: [name] }, ...abort })
    if (left.length > 0) throw new EngineError('ENGINE_ERROR', `network ${name} is in use`, { reason: 'busy' })
  }
  const { abortSignal: signal } = abort
  await pRetry(attempt, {
    retries: 25,
    minTimeout: 50,
    maxTimeout: 500,
    ...(signal && { signal }),
    shouldRetry: ({ error }) => error instanceof EngineError,
  })
}
