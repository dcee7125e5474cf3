/**
 * A whole Swarm as one engine: each container is a service in mode replicated-job, on whatever node has room. What only
 * a node knows (exact times, use, out of memory, signals) is asked of containers on the manager itself; of the others
 * the manager says less. See docs/decisions/0028-swarm.md.
 */

import type Docker from 'dockerode'
import pRetry from 'p-retry'
import { type Abort, call } from './call.ts'
import { exitOf } from './container-exit.ts'
import { createDockerEngine, type DockerEngineComponents, type DockerEngineInit } from './docker.ts'
import { statusOf, toEngineError } from './errors.ts'
import { type AbortOptions, type ContainerEngine, type ContainerSummary, EngineError } from './index.ts'
import { removeNetwork } from './network.ts'
import { checkName, ownerLabel } from './spec.ts'
import { readServiceLog } from './swarm-logs.ts'
import { NO_RUN, ONE_RUN, type ServiceSpec, toOverlayOptions, toServiceSpec } from './swarm-spec.ts'
import {
  createTaskLook,
  exitCodeOf,
  findService,
  getService,
  hasEnded,
  type SwarmService,
  type SwarmTask,
  untilTask,
  whileNodeLives,
} from './swarm-tasks.ts'

interface SwarmNode {
  Spec: { Availability: string }
  Status: { State: string }
  Description: { Resources: { NanoCPUs: number; MemoryBytes: number } }
}

/** Whether the engine manages a Swarm. */
export async function isSwarmManager(docker: Docker): Promise<boolean> {
  const { Swarm: swarm } = (await docker.info()) as { Swarm?: { ControlAvailable?: boolean } }
  return swarm?.ControlAvailable ?? false
}

export interface SwarmEngineInit extends DockerEngineInit {
  /** How long a node is down before what ran on it counts as lost, in ms. Range 1_000..3_600_000. @default 15_000 */
  lostNodeMs?: number
}

const LOST_NODE_MS = 15_000

/** @param components `docker` is connected to a manager */
export function createSwarmEngine(components: DockerEngineComponents, init: SwarmEngineInit = {}): ContainerEngine {
  const { docker } = components
  const local = createDockerEngine(components, init)
  const taskOf = createTaskLook(docker)
  const maxLogBytes = init.maxLogBytes ?? 128 * 1024 * 1024

  async function readyNodes(abort: Abort): Promise<SwarmNode[]> {
    const nodes = (await docker.listNodes(abort)) as SwarmNode[]
    return nodes.filter(({ Spec, Status }) => Spec.Availability === 'active' && Status.State === 'ready')
  }

  /** The id of the task's container where it is on this very engine. */
  async function localContainer(task: SwarmTask | null, abort: Abort): Promise<string | null> {
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

  /** Its id and state; null where it is not on this very engine. */
  async function localState(task: SwarmTask, abort: Abort) {
    const id = await localContainer(task, abort)
    return id === null ? null : { id, state: (await docker.getContainer(id).inspect(abort)).State }
  }

  /** Swarm itself writes to services, too, and refuses who has not read what it wrote last. */
  async function setRuns(name: string, runs: typeof ONE_RUN, abort: Abort): Promise<void> {
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

  /** The task once it has ended. Rejects when its node is lost. */
  async function untilEnded(name: string, signal: AbortSignal | undefined): Promise<SwarmTask> {
    const over = new AbortController()
    const abort = { abortSignal: signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]) }
    const lost = whileNodeLives(docker, taskOf, name, init.lostNodeMs ?? LOST_NODE_MS, abort)
    const ended = untilTask(docker, taskOf, name, hasEnded, abort)
    try {
      return await Promise.race([ended, lost])
    } finally {
      over.abort()
      await Promise.allSettled([ended, lost])
    }
  }

  async function createService(spec: ServiceSpec, owner: string, abort: Abort): Promise<void> {
    try {
      await docker.createService({ ...spec, ...abort } as ServiceSpec)
    } catch (error) {
      if (statusOf(error) !== 409) throw error
      const { Spec } = await getService(docker, spec.Name ?? '', abort)
      if (Spec.Labels?.[ownerLabel] === owner) return
      throw new EngineError(
        'ENGINE_ERROR',
        `the name ${spec.Name} is taken`,
        { reason: 'name-taken' },
        { cause: error },
      )
    }
  }

  return {
    pull: local.pull,
    removeImage: local.removeImage,
    // Which node a job runs on is not known before, and what holds there is not this manager's to say.
    features: async () => ({
      storageQuota: 'measured',
      volumeQuota: 'measured',
      volumes: false,
      networkProblem: 'the nodes of a swarm keep their own firewalls',
      portsProblem: 'containers of a swarm are on other machines',
      runtime: null,
    }),
    async storage(name, options = {}) {
      const id = await call(`measuring ${name}`, options.signal, async (abort) => {
        checkName(name)
        return await localContainer(await taskOf(name, abort), abort)
      })
      // The manager does not measure what runs on other nodes.
      return id === null
        ? { ownBytes: 0, volumes: {}, isHeld: false, areVolumesHeld: false }
        : await local.storage(id, options)
    },
    volumes: local.volumes,
    removeVolume: local.removeVolume,

    async info(options = {}) {
      const own = await local.info(options)
      return await call('asking the swarm what it is', options.signal, async (abort) => {
        const resources = (await readyNodes(abort)).map(({ Description }) => Description.Resources)
        return {
          ...own,
          cpuMillis: Math.floor(resources.reduce((sum, { NanoCPUs }) => sum + NanoCPUs, 0) / 1e6),
          memoryBytes: resources.reduce((sum, { MemoryBytes }) => sum + MemoryBytes, 0),
          // Swarm cannot be told which GPU.
          gpuDriver: null,
        }
      })
    },

    create: (spec, { signal } = {}) =>
      call(`creating ${spec.name}`, signal, async (abort) => {
        checkName(spec.name)
        const fits = (await readyNodes(abort)).some(
          ({ Description: { Resources: has } }) =>
            has.NanoCPUs >= spec.cpuMillis * 1e6 && has.MemoryBytes >= spec.memoryBytes,
        )
        if (!fits) {
          throw new EngineError('RESOURCE_LIMIT_EXCEEDED', 'no node of the swarm is as large as this job', {
            resource: 'cpu',
          })
        }
        const service = toServiceSpec(spec, {
          pidsLimit: init.pidsLimit ?? 512,
          maxOpenFiles: init.maxOpenFiles ?? 16_384,
          maxUserProcesses: null,
          publishAt: null,
          ...{ storageQuota: null, volumeQuota: null, runtime: null, nameServers: [], canSwapLess: false },
          useInit: init.useInit ?? true,
          // Service logs are read by the manager of every node, through the driver that each engine has.
          logConfig: { Type: 'json-file', Config: { 'max-size': String(maxLogBytes), 'max-file': '2' } },
        })
        await docker.createNetwork({ ...toOverlayOptions(spec), ...abort }).catch((error) => {
          if (statusOf(error) !== 409) throw error
        })
        await createService(service, spec.owner, abort)
      }),

    start: (name, { signal } = {}) =>
      call(`starting ${name}`, signal, async (abort) => {
        checkName(name)
        await getService(docker, name, abort)
        // A second run of a job that has ended would be a second job.
        if ((await taskOf(name, abort)) === null) await setRuns(name, ONE_RUN, abort)
        const task = await untilTask(
          docker,
          taskOf,
          name,
          (one) => one.Status.State === 'running' || hasEnded(one),
          abort,
        )
        const { State: state, Err: problem = '', ContainerStatus: container } = task.Status
        if (state === 'rejected' || (state === 'failed' && !container?.ContainerID)) throw new Error(problem)
        if (state === 'failed' && /^starting container failed/.test(problem)) throw new Error(problem)
        const local = await localState(task, abort)
        return { startedAtMs: Date.parse(local?.state.StartedAt ?? task.CreatedAt) }
      }),

    wait: (name, { signal } = {}) =>
      call(`waiting for ${name}`, signal, async (abort) => {
        checkName(name)
        await getService(docker, name, abort)
        if ((await taskOf(name, abort)) === null) {
          throw new EngineError('ENGINE_ERROR', `${name} was never started`, { reason: 'not-started' })
        }
        const task = await untilEnded(name, signal)
        const exitCode = exitCodeOf(task)
        const local = await localState(task, abort)
        if (local !== null) return { ...(await exitOf(docker, { ...local, isPodman: false }, abort)), exitCode }
        const [startedAtMs, finishedAtMs] = [Date.parse(task.CreatedAt), Date.parse(task.Status.Timestamp)]
        return { exitCode, oomKilled: false, startedAtMs, finishedAtMs }
      }),

    async *logs(name, fromLine, options = {}) {
      checkName(name)
      yield* readServiceLog(docker, taskOf, maxLogBytes, name, fromLine, options)
    },

    async *stats(name, intervalMs, options = {}) {
      const abort = abortOf(options)
      const id = await call(`measuring ${name}`, options.signal, async () => {
        checkName(name)
        return await localContainer(await taskOf(name, abort), abort)
      })
      // The manager does not measure what runs on other nodes.
      if (id !== null) yield* local.stats(id, intervalMs, options)
    },

    async stop(name, stop, options = {}) {
      await call(`stopping ${name}`, options.signal, async (abort) => {
        checkName(name)
        const service = await findService(docker, name, abort)
        const task = service === null ? null : await taskOf(name, abort)
        if (service === null || task === null || hasEnded(task)) return
        const id = await localContainer(task, abort)
        if (id === null) await setRuns(name, NO_RUN, abort)
        else await local.stop(id, stop, options)
        await untilTask(docker, taskOf, name, hasEnded, abort)
      })
    },

    remove: (name, { signal } = {}) =>
      call(`removing ${name}`, signal, async (abort) => {
        checkName(name)
        const id = await localContainer(
          (await findService(docker, name, abort)) === null ? null : await taskOf(name, abort),
          abort,
        )
        await docker
          .getService(name)
          .remove(abort as object)
          .catch((error) => {
            if (statusOf(error) !== 404) throw error
          })
        // Swarm removes the container when its stop grace is over; nobody needs it any more.
        if (id !== null) await local.remove(id, signal === undefined ? {} : { signal })
        await untilRemoved(docker, name, abort)
      }),

    list: (owner, { signal } = {}) =>
      call('listing services', signal, async (abort) => {
        const filters = { label: [`${ownerLabel}=${owner}`] }
        const services = (await docker.listServices({ filters, ...abort } as object)) as unknown as SwarmService[]
        const networks = await docker.listNetworks({ filters, ...abort })
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
      }),

    survey: (owner, { signal } = {}) =>
      call('looking at what runs on the swarm', signal, async (abort) => {
        const filters = { label: [`${ownerLabel}=${owner}`] }
        const own = (await docker.listServices({ filters, ...abort } as object)) as unknown as SwarmService[]
        const mine = new Set(own.map(({ ID }) => ID))
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
        }
      }),
  }
}

function abortOf({ signal }: AbortOptions): Abort {
  return signal === undefined ? {} : { abortSignal: signal }
}

/** The network goes when the last task has left it, and a moment after the answer that it does. */
async function untilRemoved(docker: Docker, name: string, abort: Abort): Promise<void> {
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
