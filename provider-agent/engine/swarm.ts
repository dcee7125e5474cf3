/**
 * A whole Swarm as one engine: each container is a service in mode replicated-job, on whatever node has room. What only
 * a node knows (exact times, use, out of memory, signals) is asked of containers on the manager itself; of the others
 * the manager says less. See docs/decisions/0019-swarm.md.
 */

import type Docker from 'dockerode'
import { type Abort, askEngine } from './ask-engine.ts'
import { checkName, type HardeningOptions } from './container/spec.ts'
import { createDockerEngine, type DockerEngineComponents, type DockerEngineInit } from './docker.ts'
import { exitOf } from './endings/container-exit.ts'
import {
  type AbortOptions,
  type ContainerEngine,
  type ContainerExit,
  EngineError,
  type EngineFeatures,
} from './index.ts'
import { createLocalTasks, type LocalTasks } from './swarm/local-tasks.ts'
import { readServiceLog } from './swarm/swarm-logs.ts'
import { checkFits, readyNodes } from './swarm/swarm-nodes.ts'
import {
  createOverlay,
  createService,
  removeService,
  setRuns,
  startRun,
  untilRemoved,
  untilRunEnded,
} from './swarm/swarm-runs.ts'
import { NO_RUN, toOverlayOptions, toServiceSpec } from './swarm/swarm-spec.ts'
import { listOwned, surveySwarm } from './swarm/swarm-survey.ts'
import {
  createTaskLook,
  exitCodeOf,
  findService,
  getService,
  hasEnded,
  type SwarmTask,
  untilTask,
} from './swarm/swarm-tasks.ts'

/** Whether the engine manages a Swarm. */
export async function isSwarmManager(docker: Docker): Promise<boolean> {
  const { Swarm: swarm } = (await docker.info()) as { Swarm?: { ControlAvailable?: boolean } }
  return swarm?.ControlAvailable ?? false
}

/** `runtime`, `nameServers` and `publishAt` have no effect: those are each node's own matter. */
export interface SwarmEngineInit extends DockerEngineInit {
  /** How long a node is down before what ran on it counts as lost, in ms. Range 1_000..3_600_000. @default 15_000 */
  lostNodeMs?: number
}

const LOST_NODE_MS = 15_000
const MAX_LOG_BYTES = 128 * 1024 * 1024

/** @param components `docker` is connected to a manager */
export function createSwarmEngine(components: DockerEngineComponents, init: SwarmEngineInit = {}): ContainerEngine {
  const { docker } = components
  const local = createDockerEngine(components, init)
  const taskOf = createTaskLook(docker)
  const maxLogBytes = init.maxLogBytes ?? MAX_LOG_BYTES

  const locals = createLocalTasks(docker, taskOf)

  return {
    ...{ pull: local.pull, nowMs: local.nowMs },
    removeImage: local.removeImage,
    ...{ features: async () => featuresOf(init), prove: takeItsWord },
    async storage(name, options = {}) {
      const id = await localOf(name, options)
      // The manager does not measure what runs on other nodes.
      return id === null
        ? { ownBytes: 0, volumes: {}, isHeld: false, areVolumesHeld: false }
        : await local.storage(id, options)
    },
    traffic: async () => async () => null,
    ...{ volumes: local.volumes, removeVolume: local.removeVolume },

    async info(options = {}) {
      const own = await local.info(options)
      return await askEngine('asking the swarm what it is', options.signal, async (abort) => {
        const nodes = await readyNodes(docker, abort)
        return {
          ...own,
          cpuMillis: Math.floor(nodes.reduce((sum, { cpuMillis }) => sum + cpuMillis, 0)),
          memoryBytes: nodes.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0),
          // Those on other nodes do.
          outlived: true,
          // Swarm cannot be told which GPU.
          gpuDriver: null,
        }
      })
    },

    create: (spec, { signal } = {}) =>
      askEngine(`creating ${spec.name}`, signal, async (abort) => {
        checkName(spec.name)
        const nodes = await readyNodes(docker, abort)
        checkFits(spec, nodes)
        // Other machines do not have what was pulled on this one.
        const placed = nodes.length === 1 ? spec : { ...spec, image: spec.imageName ?? spec.image }
        const service = toServiceSpec(placed, hardeningOf(init))
        await createOverlay(docker, toOverlayOptions(spec), abort)
        await createService(docker, service, spec.owner, abort)
      }),

    start: (name, { signal } = {}) =>
      askEngine(`starting ${name}`, signal, async (abort) => {
        checkName(name)
        const task = await startRun(docker, taskOf, name, abort)
        const here = await locals.state(task, abort)
        return { startedAtMs: Date.parse(here?.state.StartedAt ?? task.CreatedAt) }
      }),

    wait: (name, { signal } = {}) =>
      askEngine(`waiting for ${name}`, signal, async (abort) => {
        checkName(name)
        await getService(docker, name, abort)
        if ((await taskOf(name, abort)) === null) {
          throw new EngineError('ENGINE_ERROR', `${name} was never started`, { reason: 'not-started' })
        }
        const task = await untilRunEnded(docker, taskOf, name, { lostMs: init.lostNodeMs ?? LOST_NODE_MS, signal })
        return await exitOfTask(docker, task, await locals.state(task, abort), abort)
      }),

    async *logs(name, fromLine, options = {}) {
      checkName(name)
      yield* readServiceLog(docker, taskOf, maxLogBytes, name, fromLine, options)
    },

    async *limitsMet() {},
    async *stats(name, intervalMs, options = {}) {
      const id = await localOf(name, options)
      // The manager does not measure what runs on other nodes.
      if (id !== null) yield* local.stats(id, intervalMs, options)
    },

    async stop(name, stop, options = {}) {
      await askEngine(`stopping ${name}`, options.signal, async (abort) => {
        checkName(name)
        const service = await findService(docker, name, abort)
        const task = service === null ? null : await taskOf(name, abort)
        if (service === null || task === null || hasEnded(task)) return
        const id = await locals.container(task, abort)
        if (id === null) await setRuns(docker, name, NO_RUN, abort)
        else await local.stop(id, stop, options)
        await untilTask(docker, taskOf, name, hasEnded, abort)
      })
    },

    remove: (name, { signal } = {}) =>
      askEngine(`removing ${name}`, signal, async (abort) => {
        checkName(name)
        const isThere = (await findService(docker, name, abort)) !== null
        const id = isThere ? await locals.containerOf(name, abort) : null
        await removeService(docker, name, abort)
        // Swarm removes the container when its stop grace is over; nobody needs it any more.
        if (id !== null) await local.remove(id, signal === undefined ? {} : { signal })
        await untilRemoved(docker, name, abort)
      }),

    list: (owner, { signal } = {}) =>
      askEngine('listing services', signal, async (abort) => await listOwned(docker, taskOf, owner, abort)),

    survey: (owner, { signal } = {}) =>
      askEngine('looking at what runs on the swarm', signal, async (abort) => await surveySwarm(docker, owner, abort)),
  }

  /** The container of a service where it is on the manager itself. */
  async function localOf(name: string, { signal }: AbortOptions): Promise<string | null> {
    return await askEngine(`measuring ${name}`, signal, async (abort) => {
      checkName(name)
      return await locals.containerOf(name, abort)
    })
  }
}

/** As exactly as the manager's own engine knows it, or as roughly as Swarm does. */
async function exitOfTask(
  docker: Docker,
  task: SwarmTask,
  here: Awaited<ReturnType<LocalTasks['state']>>,
  abort: Abort,
): Promise<ContainerExit> {
  const exitCode = exitCodeOf(task)
  if (here !== null) return { ...(await exitOf(docker, { ...here, isPodman: false }, abort)), exitCode }
  const [startedAtMs, finishedAtMs] = [Date.parse(task.CreatedAt), Date.parse(task.Status.Timestamp)]
  return { exitCode, oomKilled: false, startedAtMs, finishedAtMs }
}

/** Which node a job runs on is not known before, and what holds there is not this manager's to say. */
function featuresOf({ privileges = 'ordinary' }: SwarmEngineInit): EngineFeatures {
  return {
    storageQuota: 'measured',
    volumeQuota: 'measured',
    volumes: false,
    terminals: false,
    standardInput: false,
    countsTraffic: false,
    networkProblem: 'the nodes of a swarm keep their own firewalls',
    portsProblem: 'containers of a swarm are on other machines',
    runtime: null,
    privileges,
  }
}

/** What runs on a node is that node's own matter, and a service takes seconds. */
async function takeItsWord(): Promise<void> {}

/** What holds for every container of the swarm. */
function hardeningOf(init: SwarmEngineInit): HardeningOptions {
  const maxLogBytes = init.maxLogBytes ?? MAX_LOG_BYTES
  return {
    pidsLimit: init.pidsLimit ?? 512,
    maxOpenFiles: init.maxOpenFiles ?? 16_384,
    maxUserProcesses: null,
    publishAt: null,
    ...{ storageQuota: null, volumeQuota: null, nameServers: [], canSwapLess: false },
    ...{ isolation: 'container', runtime: null },
    useInit: init.useInit ?? true,
    weighing: { weight: 100, group: null, machineMillis: 1_000 }, // Swarm weighs nobody.
    ...{ privileges: init.privileges ?? 'ordinary', healthcheck: null },
    // Service logs are read by the manager of every node, through the driver that each engine has.
    logConfig: { Type: 'json-file', Config: { 'max-size': String(maxLogBytes), 'max-file': '2' } },
  }
}
