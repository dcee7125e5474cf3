import type Docker from 'dockerode'
import type { Wall } from '../../isolation/walls.ts'
import { type ImageConfig, readImageConfig, runsInit } from '../container/image-config.ts'
import type { HardeningOptions } from '../container/spec.ts'
import { type AbortOptions, type ContainerSpec, EngineError, type Privileges } from '../index.ts'
import { type LogPolicy, toLogConfig } from '../logs/logs.ts'
import type { StorageQuota } from '../storage/quota-probe.ts'
import type { Findings } from './findings.ts'

/** As in `DockerEngineInit`, with its defaults filled in. */
export interface HardeningInit {
  pidsLimit: number
  maxOpenFiles: number
  /** A class as it is offered; undefined where it is not. */
  wallOf(isolation: string | undefined): Pick<Wall, 'isolation' | 'runtime'> | undefined
  privileges: Privileges
  /** Undefined: where the engine has one and the program is no init itself. */
  useInit: boolean | undefined
  publishAt: string | null
  jobWeight: number
}

/** Podman sets a limit that it may not be allowed to, unless it is given one; the pids limit is what counts. */
const PODMAN_USER_PROCESSES = 32_768

/** What containers are held to on this engine. */
export function createHardening(
  components: {
    docker: Docker
    findings: Findings
    logPolicy: (options: AbortOptions) => Promise<LogPolicy>
    /** Name of the control group that weighs jobs; null where there is none. */
    jobGroup: (options: AbortOptions) => Promise<string | null>
  },
  init: HardeningInit,
): (spec: ContainerSpec, options: AbortOptions) => Promise<HardeningOptions> {
  const { docker, findings, logPolicy, jobGroup } = components
  const { pidsLimit, maxOpenFiles, wallOf, privileges, publishAt, jobWeight: weight } = init
  return async (spec, options) => {
    const wall = wallOf(spec.isolation)
    // Never weaker walls than it was to have, whatever its owner has changed since.
    if (wall === undefined) {
      throw new EngineError('ENGINE_ERROR', `${spec.isolation} is not offered`, { reason: 'no-runtime' })
    }
    const [{ hasInit, info, isPodman }, image, group] = await Promise.all([
      findings.properties(options),
      readImageConfig(docker, spec.image, options),
      jobGroup(options),
    ])
    return {
      pidsLimit,
      maxOpenFiles,
      maxUserProcesses: isPodman ? PODMAN_USER_PROCESSES : null,
      storageQuota: quotaExtra(findings.storageQuota(), image),
      volumeQuota: findings.volumeQuota(),
      useInit: init.useInit ?? (hasInit && !runsInit(spec, image)),
      privileges,
      // Podman's checks want systemd's timers.
      healthcheck: isPodman ? null : image.healthcheck,
      publishAt,
      logConfig: toLogConfig(await logPolicy(options), spec),
      nameServers: findings.nameServers(),
      ...{ isolation: wall.isolation, runtime: wall.runtime, canSwapLess: info.cgroupVersion === 1 },
      weighing: { weight, group, machineMillis: info.cpuMillis },
    }
  }
}

/** What the storage driver is told beside what the container may write, in bytes; null where it takes no size. */
function quotaExtra(quota: StorageQuota | null, { sizeBytes }: ImageConfig): number | null {
  if (quota === null || !quota.countsImage) return quota === null ? null : 0
  return Math.ceil(sizeBytes * 1.05) + 4 * 2 ** 20 // What the driver itself writes down about the image's files.
}
