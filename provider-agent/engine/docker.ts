import type Docker from 'dockerode'
import { createContainerSteps } from './containers.ts'
import { findGpus } from './find-gpus.ts'
import { createGpuDesk } from './gpu-desk.ts'
import type { AbortOptions, ContainerEngine, Gpu } from './index.ts'
import { listOwned } from './list.ts'
import { type LogPolicy, readLog, toLogConfig } from './logs.ts'
import { withMirrors } from './mirrors.ts'
import { createPuller } from './pull.ts'
import { checkName, type HardeningOptions } from './spec.ts'
import { readStats } from './stats.ts'
import { createSurveyor } from './survey.ts'
import { type EngineTraits, readTraits } from './traits.ts'
import { withWholeAnswers } from './whole-answers.ts'

export interface DockerEngineComponents {
  /** Connected to the engine. Without a `timeout`: following logs and waiting take as long as the container. */
  docker: Docker
  /** The GPUs of the engine's machine. @default what `nvidia-smi` lists on this one */
  gpus?: () => Promise<Gpu[]>
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
  /**
   * Whether the engine's storage driver enforces a container's `storageBytes` (overlay2 on XFS with project quotas,
   * btrfs, zfs). Where it cannot, creating a container fails if this is set.
   * @default false
   */
  storageQuota?: boolean
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
  /** Registry → host of its mirror, with a path where it has one. @default {} */
  mirrors?: Readonly<Record<string, string>>
}

/** Podman sets a limit that it may not be allowed to, unless it is given one; the pids limit is what counts. */
const podmanUserProcesses = 32_768

/** A {@link ContainerEngine} on Docker Engine, or on an engine that speaks its API. */
export function createDockerEngine(components: DockerEngineComponents, init: DockerEngineInit = {}): ContainerEngine {
  const docker = withWholeAnswers(components.docker)
  let traits: EngineTraits | null = null

  /** What the engine is, asked once: an engine that is replaced while the agent runs is a new one to info() alone. */
  async function known(options: AbortOptions): Promise<EngineTraits> {
    traits ??= await readTraits(docker, options)
    return traits
  }

  async function logPolicy(options: AbortOptions): Promise<LogPolicy> {
    const { hasLocalLogs } = await known(options)
    return { driver: hasLocalLogs ? 'local' : 'json-file', maxBytes: init.maxLogBytes ?? 128 * 1024 * 1024 }
  }

  const gpuDesk = createGpuDesk({
    docker,
    gpus: components.gpus ?? findGpus,
    driver: async ({ abortSignal: signal }) => (await known(signal === undefined ? {} : { signal })).info.gpuDriver,
  })
  const hardening = async (options: AbortOptions): Promise<HardeningOptions> => ({
    pidsLimit: init.pidsLimit ?? 512,
    maxOpenFiles: init.maxOpenFiles ?? 16_384,
    maxUserProcesses: (await known(options)).isPodman ? podmanUserProcesses : null,
    storageQuota: init.storageQuota ?? false,
    useInit: init.useInit ?? (await known(options)).hasInit,
    logConfig: toLogConfig(await logPolicy(options)),
  })
  const steps = createContainerSteps(docker, hardening, gpuDesk)
  const pull = createPuller(docker, async (options) => (await known(options)).info.architecture)

  return {
    ...steps,
    pull: withMirrors(docker, pull, init.mirrors ?? {}),
    async info(options = {}) {
      traits = await readTraits(docker, options)
      return traits.info
    },
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
