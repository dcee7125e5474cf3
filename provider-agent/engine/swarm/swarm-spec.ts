import type { CreateServiceOptions, NetworkCreateOptions } from 'dockerode'
import { toNetworkOptions } from '../../networks/network-spec.ts'
import type { HardeningOptions } from '../container/spec.ts'
import { labelsOf, pidsLimitOf, shmBytesOf, toCreateOptions } from '../container/spec.ts'
import type { ContainerSpec } from '../index.ts'

/** How long Swarm leaves a task between its stop signal and SIGKILL where this agent cannot send them itself, in ns. */
const STOP_GRACE_NS = 10_000_000_000

/** The parts of a service that are set here; dockerode's types lack some. */
export type ServiceSpec = CreateServiceOptions & { Mode: { ReplicatedJob: Completions } }

interface Completions {
  MaxConcurrent: number
  TotalCompletions: number
}

/** Runs of a service that has not been started, or is to stop. */
export const NO_RUN: Completions = { MaxConcurrent: 0, TotalCompletions: 0 }
/** Runs of a service that is started: one, that is never repeated. */
export const ONE_RUN: Completions = { MaxConcurrent: 1, TotalCompletions: 1 }

/** A job of one completion that is never restarted. It is made without a run; {@link ONE_RUN} starts it. */
export function toServiceSpec(spec: ContainerSpec, hardening: HardeningOptions): ServiceSpec {
  const { Image, Entrypoint, Cmd, Env, Labels = {}, HostConfig = {} } = toCreateOptions(spec, hardening)
  const amounts = { NanoCPUs: spec.cpuMillis * 1_000_000, MemoryBytes: spec.memoryBytes }
  return {
    Name: spec.name,
    Labels,
    Mode: { ReplicatedJob: NO_RUN },
    TaskTemplate: {
      ContainerSpec: {
        Image,
        ...(Entrypoint !== undefined && { Command: Entrypoint }),
        ...(Cmd !== undefined && { Args: Cmd }),
        Env,
        Labels,
        Init: HostConfig.Init,
        CapabilityDrop: HostConfig.CapDrop,
        CapabilityAdd: HostConfig.CapAdd,
        // Swarm takes it from Docker 23 on, and older ones ignore it.
        Privileges: { NoNewPrivileges: hardening.privileges === 'least' },
        Ulimits: HostConfig.Ulimits,
        // Swarm ends what an image's own check calls unhealthy, and runs it as often as a stranger likes.
        Healthcheck: { Test: ['NONE'] },
        Mounts: [{ Type: 'tmpfs', Target: '/dev/shm', TmpfsOptions: { SizeBytes: shmBytesOf(spec) } }],
        StopGracePeriod: STOP_GRACE_NS,
        ...(spec.stopSignal !== undefined && { StopSignal: spec.stopSignal }),
        ...(spec.workdir !== undefined && { Dir: spec.workdir }),
        ...(spec.user !== undefined && { User: spec.user }),
      },
      Resources: { Limits: { ...amounts, Pids: pidsLimitOf(spec, hardening) }, Reservations: amounts },
      RestartPolicy: { Condition: 'none', MaxAttempts: 0 },
      LogDriver: { Name: hardening.logConfig.Type, Options: hardening.logConfig.Config },
      Networks: [{ Target: spec.name }],
    },
  } as unknown as ServiceSpec
}

/** The job's own network over all nodes. One that leads nowhere is as near as Swarm comes to none at all. */
export function toOverlayOptions(spec: ContainerSpec): NetworkCreateOptions {
  return {
    ...toNetworkOptions({ ...spec, labels: labelsOf(spec) }, null),
    Driver: 'overlay',
    Internal: spec.network === 'none',
  }
}
