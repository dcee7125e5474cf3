import type { ContainerCreateOptions, DeviceRequest, HostConfig, NetworkCreateOptions } from 'dockerode'
import { type ContainerSpec, EngineError } from './index.ts'
import { parseReference } from './reference.ts'

/** Marks what an agent made; its value is the agent's peer id. */
export const ownerLabel = 'org.cortex-node.owner'

/** What holds for every container of an engine. */
export interface HardeningOptions {
  /** Most processes and threads at once. */
  pidsLimit: number
  /** Most open files of each process. */
  maxOpenFiles: number
  /** Limit of processes of a user, over all of its containers; null sets none. */
  maxUserProcesses: number | null
  /** Whether `storageBytes` becomes a hard limit of the storage driver. */
  storageQuota: boolean
  /** Whether a small init is put in front of the program. */
  useInit: boolean
  logConfig: { Type: string; Config: Record<string, string> }
}

/**
 * The capabilities that stay when all others are dropped: what the entrypoints of ordinary images (nginx, PostgreSQL,
 * Redis and their like) use between starting as root and running as somebody else. None reaches beyond the container.
 */
const keptCapabilities = [
  'CHOWN', // Give the data folder to the service's user.
  'DAC_OVERRIDE', // Write into folders that the image gave to another user.
  'FOWNER', // Set modes on what was just given away.
  'SETGID', // Become the service's group,
  'SETUID', // and its user: gosu, su-exec, nginx's workers.
  'NET_BIND_SERVICE', // Listen on ports below 1024 where the engine does not already allow it.
  'KILL', // Signal children that run as another user; the init could not pass SIGTERM on without it.
]

/**
 * What the engine is asked to create, hardening included.
 *
 * @param devices the GPUs that it gets
 */
export function toCreateOptions(
  spec: ContainerSpec,
  hardening: HardeningOptions,
  devices: DeviceRequest[] = [],
): ContainerCreateOptions {
  checkName(spec.name)
  return {
    name: spec.name,
    Image: parseReference(spec.image).full,
    ...(spec.command.length > 0 && { Entrypoint: spec.command }),
    ...(spec.args.length > 0 && { Cmd: spec.args }),
    Env: Object.entries(spec.env).map(([name, value]) => `${name}=${value}`),
    Labels: labelsOf(spec),
    ...(spec.stopSignal !== undefined && { StopSignal: spec.stopSignal }),
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    OpenStdin: false,
    Tty: false,
    HostConfig: { ...toHostConfig(spec, hardening), ...(devices.length > 0 && { DeviceRequests: devices }) },
  }
}

function toHostConfig(spec: ContainerSpec, hardening: HardeningOptions): HostConfig & { CgroupnsMode: 'private' } {
  return {
    NetworkMode: spec.network === 'none' ? 'none' : spec.name,
    CapDrop: ['ALL'],
    CapAdd: keptCapabilities,
    SecurityOpt: ['no-new-privileges'], // Seccomp and AppArmor stay at the engine's defaults, which are on.
    Privileged: false,
    PublishAllPorts: false,
    IpcMode: 'private',
    CgroupnsMode: 'private',
    PidsLimit: hardening.pidsLimit,
    NanoCpus: spec.cpuMillis * 1_000_000,
    Memory: spec.memoryBytes,
    MemorySwap: spec.memoryBytes, // Memory and swap together: no swap.
    Ulimits: ulimitsOf(hardening),
    Init: hardening.useInit,
    LogConfig: hardening.logConfig,
    ...(hardening.storageQuota && { StorageOpt: { size: String(spec.storageBytes) } }),
    RestartPolicy: { Name: 'no' },
    AutoRemove: false,
  }
}

function ulimitsOf({ maxOpenFiles, maxUserProcesses }: HardeningOptions): NonNullable<HostConfig['Ulimits']> {
  const files = { Name: 'nofile', Soft: maxOpenFiles, Hard: maxOpenFiles }
  if (maxUserProcesses === null) return [files]
  return [files, { Name: 'nproc', Soft: maxUserProcesses, Hard: maxUserProcesses }]
}

/** The container's own network: with nobody else on it, there is nobody to be kept from. */
export function toNetworkOptions(spec: ContainerSpec, subnet: string | null): NetworkCreateOptions {
  return {
    Name: spec.name,
    Driver: 'bridge',
    CheckDuplicate: true,
    Attachable: false,
    EnableIPv6: false,
    Labels: labelsOf(spec),
    ...(subnet !== null && { IPAM: { Driver: 'default', Config: [{ Subnet: subnet }] } }),
  }
}

function labelsOf(spec: ContainerSpec): Record<string, string> {
  return { ...spec.labels, [ownerLabel]: spec.owner }
}

/** Refuses a name that would mean something else in a path of the engine's API. */
export function checkName(name: string): void {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,100}$/.test(name)) return
  throw new EngineError('ENGINE_ERROR', 'a container name is 2 to 101 of a-z A-Z 0-9 _ . -', { reason: 'invalid-name' })
}
