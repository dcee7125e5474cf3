import type Docker from 'dockerode'
import { type Clock, systemClock } from '../../node/clock.ts'
import { createRegistryAccess } from '../../node/registry/access.ts'
import { DEFAULT_OPEN_FILES, DEFAULT_PIDS } from '../../protocol/limits.ts'
import { areBridgesFiltered } from '../bandwidth/filtered-bridges.ts'
import type { Shaper } from '../bandwidth/shaper.ts'
import { freeStorage } from '../capacity/machine.ts'
import { findGpus } from '../gpus/find-gpus.ts'
import type { Gpu } from '../gpus/gpu.ts'
import { createGpuAllocator } from '../gpus/gpu-allocator.ts'
import { createGpuUse, type ReadGpuUse } from '../gpus/gpu-use.ts'
import { imageRoom } from '../images/room.ts'
import type { Firewall } from '../isolation/firewall.ts'
import { PLAIN_WALL, type Wall } from '../isolation/walls.ts'
import type { Sandboxes } from '../sandbox/sandboxes.ts'
import type { JobGroup } from '../weights/job-group.ts'
import { DEFAULT_JOB_WEIGHT } from '../weights/shares.ts'
import { askEngine } from './ask-engine.ts'
import { createContainerSteps } from './container/containers.ts'
import type { SandboxSource } from './container/create-container.ts'
import { listOwned } from './container/list.ts'
import { checkName } from './container/spec.ts'
import { createFindings, type Findings } from './docker/findings.ts'
import { createHardening } from './docker/hardening.ts'
import { createProof } from './docker/proof.ts'
import { readEngineTime } from './engine-properties.ts'
import { createImageRoom } from './images/image-room.ts'
import { createPuller } from './images/pull.ts'
import { removeImage } from './images/remove-image.ts'
import type { PullTimes } from './images/transfer.ts'
import type { AbortOptions, ContainerEngine, Privileges } from './index.ts'
import { type LogPolicy, readLog } from './logs/logs.ts'
import { readStorage } from './storage/storage.ts'
import { createVolumeSteps } from './storage/volumes.ts'
import { watchLimits } from './usage/limits-met.ts'
import { readStats } from './usage/stats.ts'
import { createSurveyor } from './usage/survey.ts'
import { trafficOf } from './usage/traffic.ts'
import { withWholeAnswers } from './whole-answers.ts'

/** What {@link createDockerEngine} works with. */
export interface DockerEngineComponents {
  /** Connected to the engine. Without a `timeout`: following logs and waiting take as long as the container. */
  docker: Docker
  /** Of deadlines of pulls. @default the system's */
  clock?: Clock
  /** The GPUs of the engine's machine. @default what the tools of their makers list on this one */
  gpus?: () => Promise<readonly Gpu[]>
  /** @default what `nvidia-smi` says */
  gpuUse?: ReadGpuUse
  /** Keeps containers from the network around the machine. @default none: they reach what the machine reaches */
  firewall?: Omit<Firewall, 'problem' | 'limitsConnections'>
  /** Networks made ahead and lent; opened once it is known what the engine holds jobs to. @default none: each start makes its own */
  sandboxes?: Pick<Sandboxes, 'open' | 'take' | 'networks'>
  /** The control group that containers are put into where the engine is this machine's. @default none */
  jobGroup?: Pick<JobGroup, 'ensure'>
  /** Holds containers to a bandwidth. @default nothing does */
  shaper?: Pick<Shaper, 'begin' | 'ensure' | 'ensureBegun'>
}

/** What containers are held to, where they do not say, and how images come. */
export interface DockerEngineInit {
  /**
   * Most processes and threads at once of a container that does not say. Range 16..32_768.
   * @default 512
   */
  pidsLimit?: number
  /**
   * Most open files of each process in a container that does not say. Range 64..1_048_576. An engine that may not raise limits (rootless,
   * or inside a container itself) starts nothing if this is more than its own.
   * @default 16_384
   */
  maxOpenFiles?: number
  /**
   * Most output of a container that is kept and read, in bytes, a record counting 64 more than its text. The engine
   * may need twice as much disk. Range 1 MiB..16 GiB.
   * @default 128 MiB
   */
  maxLogBytes?: number
  /** Label value that marks what is made to try the engine out: the agent's peer id. @default "" */
  owner?: string
  /** Classes of isolation, and the engine's runtime of each; first what a container has that names none. @default its own default */
  walls?: readonly [EngineWall, ...EngineWall[]]
  /** Name servers that are asked for a container's programs. @default the firewall's, or else the engine's choice */
  nameServers?: string[]
  /** Whether containers with a network are refused where the firewall cannot keep them. @default false */
  requireNetworkIsolation?: boolean
  /**
   * Whether a small init is put in front of the program: it reaps orphans, and makes SIGTERM end programs that do not
   * handle it, which the kernel denies to the first process of a container.
   * @default true where the engine has one and the program is no init itself
   */
  useInit?: boolean
  /** What programs of containers may do. @default 'ordinary' */
  privileges?: Privileges
  /**
   * Each how many samples the writable layer is measured; the others say null. Range 1..1_000.
   * @default 6
   */
  storageEvery?: number
  /** What all containers together weigh against the owner's programs, which have 100. Range 1..100. @default DEFAULT_JOB_WEIGHT */
  jobWeight?: number
  /** Address of the machine at which a container's `publish` ports are published. @default none is */
  publishAt?: string
  /** Registries that images may come from though they are inside the network; see `RegistryAccessInit`. @default [] */
  allowRegistries?: readonly string[]
  /** The largest image that is pulled, unpacked, in bytes. @default 32 GiB */
  maxImageBytes?: number
  /** How long registries are waited for, where that is another time than usual. */
  pullTimes?: Partial<PullTimes>
  /** Registry → host of its mirror, with a path where it has one. @default {} */
  mirrors?: Readonly<Record<string, string>>
}

/** Beyond images of CUDA with everything in them. */
const DEFAULT_MAX_IMAGE_BYTES = 32 * 2 ** 30

type EngineWall = Pick<Wall, 'isolation' | 'runtime'>

const noSandboxes: SandboxSource = { take: () => null, networks: () => null }

/** A {@link ContainerEngine} on Docker Engine, or on an engine that speaks its API. */
export function createDockerEngine(components: DockerEngineComponents, init: DockerEngineInit = {}): ContainerEngine {
  const { firewall, sandboxes, shaper, clock = systemClock, gpus = async () => (await findGpus()).gpus } = components
  const { gpuUse = createGpuUse({ clock }) } = components
  const {
    owner = '',
    walls = [PLAIN_WALL],
    requireNetworkIsolation = false,
    privileges = 'ordinary',
    nameServers,
  } = init
  const {
    pidsLimit = DEFAULT_PIDS,
    maxOpenFiles = DEFAULT_OPEN_FILES,
    useInit,
    publishAt = null,
    jobWeight = DEFAULT_JOB_WEIGHT,
  } = init
  const docker = withWholeAnswers(components.docker)
  const findings = createFindings(
    { docker, clock, firewall, sandboxes },
    { owner, runtimes: walls.map(({ runtime }) => runtime), privileges, requireNetworkIsolation, nameServers },
  )
  const wallOf = (isolation: string | undefined): EngineWall | undefined =>
    isolation === undefined ? walls[0] : walls.find((wall) => wall.isolation === isolation)
  const { info, features, properties, ensureIsolated } = findings

  async function logPolicy(options: AbortOptions): Promise<LogPolicy> {
    const { hasLocalLogs, info } = await properties(options)
    const maxBytes = init.maxLogBytes ?? 128 * 1024 * 1024
    return { driver: hasLocalLogs ? 'local' : 'json-file', maxBytes, dataRoot: info.dataRoot }
  }

  /** Podman's groups are its own matter. */
  async function groupOfJobs(options: AbortOptions): Promise<string | null> {
    const { info, isPodman, bySystemd } = await properties(options)
    if (components.jobGroup === undefined || !findings.isReached() || isPodman) return null
    return await components.jobGroup.ensure({ cgroupVersion: info.cgroupVersion, bySystemd })
  }

  const steps = createContainerSteps({
    ensureShaped: async () => await shaper?.ensure(),
    ensureBegunShaped: async () => await shaper?.ensureBegun(),
    ...{ docker, ensureIsolated, properties, sandboxes: sandboxes ?? noSandboxes },
    hardening: createHardening(
      { docker, findings, logPolicy, jobGroup: groupOfJobs },
      { pidsLimit, maxOpenFiles, wallOf, privileges, useInit, publishAt, jobWeight },
    ),
    gpuAllocator: createGpuAllocator({
      docker,
      gpus,
      driver: async ({ abortSignal: signal }) =>
        (await properties(signal === undefined ? {} : { signal })).info.gpuDriver,
    }),
  })

  const logs: ContainerEngine['logs'] = async function* (name, fromLine, options = {}) {
    checkName(name)
    yield* readLog(docker, await logPolicy(options), name, fromLine, options)
  }

  return {
    ...steps,
    ...createVolumeSteps(docker),
    logs,
    prove: createProof(
      { docker, properties, wallOf, steps: { ...steps, logs }, isReached: findings.isReached },
      { owner },
    ),
    info,
    async features(options = {}) {
      const found = await features(options)
      // What stands in their way is known before the first job.
      await groupOfJobs(options)
      await shaper?.begin(findings.isReached(), firewall === undefined ? undefined : areBridgesFiltered)
      return found
    },
    pull: pullerOf(docker, clock, findings, init),
    nowMs: ({ signal } = {}) =>
      askEngine('asking the engine for its time', signal, (abort) => readEngineTime(docker, abort)),
    removeImage: (image, options = {}) => removeImage(docker, image, options),
    storage: async (name, options = {}) => ({
      ...(await readStorage(docker, name, options)),
      areVolumesHeld: findings.volumeQuota() !== null,
    }),
    limitsMet: (name, options = {}) => watchLimits(docker, name, options),
    async *stats(name, intervalMs, options = {}) {
      checkName(name)
      yield* readStats(docker, { storageEvery: init.storageEvery ?? 6, gpuUse }, name, intervalMs, options)
    },
    traffic: (name, options = {}) => trafficOf(docker, name, options),
    survey: createSurveyor(docker),
    list: (of, options = {}) => listOwned(docker, of, options),
  }
}

function pullerOf(docker: Docker, clock: Clock, { properties }: Findings, init: DockerEngineInit) {
  const { mirrors = {}, allowRegistries = [], maxImageBytes = DEFAULT_MAX_IMAGE_BYTES, pullTimes: times } = init
  return createPuller(
    {
      ...{ docker, clock },
      access: createRegistryAccess({ allow: allowRegistries, mirrors: Object.values(mirrors) }),
      engine: async (options) => {
        const { info, sharesLayers } = await properties(options)
        return { architecture: info.architecture, sharesLayers }
      },
      rooms: createImageRoom(maxImageBytes),
      room: async () => imageRoom(await freeStorage((await properties({})).info.dataRoot)),
    },
    { mirrors, ...(times === undefined ? {} : { times }) },
  )
}
