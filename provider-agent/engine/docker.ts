import type Docker from 'dockerode'
import type { Firewall } from '../isolation/firewall.ts'
import type { Sandboxes } from '../sandbox/sandboxes.ts'
import { type Abort, call } from './call.ts'
import { createContainerSteps, type SandboxSource } from './containers.ts'
import { findGpus } from './find-gpus.ts'
import { createGpuDesk } from './gpu-desk.ts'
import { type AbortOptions, type ContainerEngine, type ContainerSpec, EngineError, type Gpu } from './index.ts'
import { listOwned } from './list.ts'
import { type LogPolicy, readLog, toLogConfig } from './logs.ts'
import { withMirrors } from './mirrors.ts'
import { networkProblem } from './network-probe.ts'
import { createPuller } from './pull.ts'
import { probeQuota, type StorageQuota } from './quota-probe.ts'
import { portsProblem } from './reach-probe.ts'
import { parseReference } from './reference.ts'
import { removeImage } from './remove-image.ts'
import { checkName, type HardeningOptions, ownerLabel } from './spec.ts'
import { readStats } from './stats.ts'
import { readStorage } from './storage.ts'
import { createSurveyor } from './survey.ts'
import { type EngineTraits, readTraits } from './traits.ts'
import { probeVolumeQuota, type VolumeQuota } from './volume-quota.ts'
import { createVolumeSteps } from './volumes.ts'
import { withWholeAnswers } from './whole-answers.ts'

export interface DockerEngineComponents {
  /** Connected to the engine. Without a `timeout`: following logs and waiting take as long as the container. */
  docker: Docker
  /** The GPUs of the engine's machine. @default what `nvidia-smi` lists on this one */
  gpus?: () => Promise<Gpu[]>
  /** Keeps containers from the network around the machine. @default none: they reach what the machine reaches */
  firewall?: Omit<Firewall, 'problem'>
  /** Networks made ahead and lent; opened once it is known what the engine holds jobs to. @default none: each start makes its own */
  sandboxes?: Pick<Sandboxes, 'open' | 'take' | 'networks'>
}

export interface DockerEngineInit {
  /**
   * Most processes and threads of a container at once. Range 16..32_768.
   * @default 512
   */
  pidsLimit?: number
  /**
   * Most open files of each process in a container. Range 64..1_048_576. An engine that may not raise limits (rootless,
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
  /** Sandbox that containers run in, one that the engine offers, e.g. `runsc`. @default the engine's own default */
  runtime?: string
  /** Name servers that are asked for a container's programs. @default the firewall's, or else the engine's choice */
  nameServers?: string[]
  /** Whether containers with a network are refused where the firewall cannot keep them. @default false */
  requireNetworkIsolation?: boolean
  /**
   * Whether a small init is put in front of the program: it reaps orphans, and makes SIGTERM end programs that do not
   * handle it, which the kernel denies to the first process of a container.
   * @default true where the engine has one
   */
  useInit?: boolean
  /**
   * Each how many samples the writable layer is measured; the others say null. Range 1..1_000.
   * @default 6
   */
  storageEvery?: number
  /** Address of the machine at which a container's `publish` ports are published. @default none is */
  publishAt?: string
  /** Registry → host of its mirror, with a path where it has one. @default {} */
  mirrors?: Readonly<Record<string, string>>
}

/** Podman sets a limit that it may not be allowed to, unless it is given one; the pids limit is what counts. */
const podmanUserProcesses = 32_768

const noSandboxes: SandboxSource = { take: () => null, networks: () => null }

/** A {@link ContainerEngine} on Docker Engine, or on an engine that speaks its API. */
export function createDockerEngine(components: DockerEngineComponents, init: DockerEngineInit = {}): ContainerEngine {
  const { firewall, sandboxes } = components
  const { owner = '', runtime = null, requireNetworkIsolation = false } = init
  const docker = withWholeAnswers(components.docker)
  let traits: EngineTraits | null = null
  let quota: StorageQuota | null = null
  let volumeQuota: VolumeQuota | null = null
  let unisolated: string | null = 'it has not been tried yet'

  /** What the engine is, asked once: an engine that is replaced while the agent runs is a new one to info() alone. */
  async function known(options: AbortOptions): Promise<EngineTraits> {
    traits ??= await readTraits(docker, options)
    return traits
  }

  async function logPolicy(options: AbortOptions): Promise<LogPolicy> {
    const { hasLocalLogs } = await known(options)
    return { driver: hasLocalLogs ? 'local' : 'json-file', maxBytes: init.maxLogBytes ?? 128 * 1024 * 1024 }
  }

  /** What the storage driver is told beside what the container may write, in bytes; null where it takes no size. */
  async function quotaExtra({ image }: ContainerSpec, { signal }: AbortOptions): Promise<number | null> {
    if (quota === null || !quota.countsImage) return quota === null ? null : 0
    const { full } = parseReference(image)
    const { Size: size } = await call(`looking at ${image}`, signal, async (abort) => {
      // dockerode hands every option on; its types do not know this one.
      return await docker.getImage(full).inspect(abort as Docker.ImageInspectOptions)
    })
    return Math.ceil(size * 1.05) + 4 * 2 ** 20 // What the driver itself writes down about the image's files.
  }

  /** One after the other: Docker turns btrfs's quotas on when it is first asked for one. */
  async function probeQuotas(labels: Record<string, string>, abort: Abort) {
    const own = await probeQuota(docker, labels, abort)
    return [own, await probeVolumeQuota(docker, labels, abort)] as const
  }

  async function ensureIsolated(): Promise<void> {
    if (unisolated !== null && !requireNetworkIsolation) return
    const problem = unisolated ?? (await firewall?.ensure().then(() => null, String)) ?? null
    if (problem === null) return
    throw new EngineError('ENGINE_ERROR', `jobs cannot be kept from the network around: ${problem}`, {
      reason: 'network-isolation',
    })
  }

  function nameServers(): string[] {
    return init.nameServers ?? (unisolated === null ? (firewall?.nameServers ?? []) : [])
  }

  const gpuDesk = createGpuDesk({
    docker,
    gpus: components.gpus ?? findGpus,
    driver: async ({ abortSignal: signal }) => (await known(signal === undefined ? {} : { signal })).info.gpuDriver,
  })
  const hardening = async (spec: ContainerSpec, options: AbortOptions): Promise<HardeningOptions> => {
    const { hasInit, info, isPodman } = await known(options)
    return {
      pidsLimit: init.pidsLimit ?? 512,
      maxOpenFiles: init.maxOpenFiles ?? 16_384,
      maxUserProcesses: isPodman ? podmanUserProcesses : null,
      storageQuota: await quotaExtra(spec, options),
      volumeQuota,
      useInit: init.useInit ?? hasInit,
      publishAt: init.publishAt ?? null,
      logConfig: toLogConfig(await logPolicy(options)),
      nameServers: nameServers(),
      ...{ runtime, canSwapLess: info.cgroupVersion === 1 },
    }
  }
  const steps = createContainerSteps({
    ...{ docker, hardening, gpuDesk, ensureIsolated },
    sandboxes: sandboxes ?? noSandboxes,
    traits: known,
  })
  const pull = createPuller(docker, async (options) => (await known(options)).info.architecture)

  return {
    ...steps,
    ...createVolumeSteps(docker),
    removeImage: (image, options = {}) => removeImage(docker, image, options),
    pull: withMirrors(docker, pull, init.mirrors ?? {}),
    async info(options = {}) {
      traits = await readTraits(docker, options)
      return traits.info
    },
    features: ({ signal } = {}) =>
      call('trying the engine', signal, async (abort) => {
        const { runtimes, info, ...kind } = await known(signal === undefined ? {} : { signal })
        if (runtime !== null && !runtimes.includes(runtime)) {
          const offered = `it has ${runtimes.join(', ')}`
          throw new EngineError('ENGINE_ERROR', `the engine has no runtime ${runtime}: ${offered}`, {
            reason: 'no-runtime',
          })
        }
        const labels = { [ownerLabel]: owner }
        let ports: string | null
        ;[[quota, volumeQuota], unisolated, ports] = await Promise.all([
          probeQuotas(labels, abort),
          firewall === undefined ? 'no firewall is set' : networkProblem(docker, firewall, owner, abort),
          portsProblem(docker, kind, owner, abort),
        ])
        sandboxes?.open({ architecture: info.architecture, nameServers: nameServers(), runtime })
        return {
          storageQuota: quota === null ? 'measured' : 'hard',
          volumeQuota: volumeQuota === null ? 'measured' : 'hard',
          ...{ volumes: true, networkProblem: unisolated, portsProblem: ports, runtime },
        }
      }),
    storage: async (name, options = {}) => ({
      ...(await readStorage(docker, name, options)),
      areVolumesHeld: volumeQuota !== null,
    }),
    async *logs(name, fromLine, options = {}) {
      checkName(name)
      yield* readLog(docker, await logPolicy(options), name, fromLine, options)
    },
    async *stats(name, intervalMs, options = {}) {
      checkName(name)
      yield* readStats(docker, init.storageEvery ?? 6, name, intervalMs, options)
    },
    survey: createSurveyor(docker),
    list: (owner, options = {}) => listOwned(docker, owner, options),
  }
}
