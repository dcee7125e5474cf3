import type { ContainerCreateOptions, DeviceRequest, HostConfig, NetworkCreateOptions } from 'dockerode'
import { bridgeName } from './bridge-name.ts'
import { type ContainerSpec, EngineError } from './index.ts'
import { alone, isJoined, type Place } from './joined.ts'
import { parseReference } from './reference.ts'
import type { VolumeQuota } from './volume-quota.ts'

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
  /**
   * What the storage driver adds to `storageBytes` to make it a hard limit, in bytes: the image, where it counts that,
   * too. Null where it has no limits.
   */
  storageQuota: number | null
  /** What holds named volumes to their sizes; null where nothing does. */
  volumeQuota: VolumeQuota | null
  /** Null is the engine's default. */
  runtime: string | null
  /** Name servers that the engine's own asks for a container; empty is the engine's choice. */
  nameServers: string[]
  /** Whether the kernel takes a container's swappiness: with cgroup 1. */
  canSwapLess: boolean
  /** Whether a small init is put in front of the program. */
  useInit: boolean
  /** Address of the machine at which ports are published; null publishes none. */
  publishAt: string | null
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

/** Shared memory of a container, in bytes; it counts as the container's memory. What Docker gives by default. */
const shmBytes = 64 * 1024 * 1024

/** With the machine short of memory the kernel ends jobs before the owner's programs. Range -1000..1000. */
const oomScoreAdj = 500

/**
 * What the engine is asked to create, hardening included.
 *
 * @param devices the GPUs that it gets
 * @param place the network that it is put on; by default one of its own, or none
 */
export function toCreateOptions(
  spec: ContainerSpec,
  hardening: HardeningOptions,
  devices: DeviceRequest[] = [],
  place: Place = alone(spec.network === 'none' ? 'none' : spec.name),
): ContainerCreateOptions {
  checkName(spec.name)
  return {
    name: spec.name,
    Image: parseReference(spec.image).full,
    ...(spec.command.length > 0 && { Entrypoint: spec.command }),
    ...(spec.args.length > 0 && { Cmd: spec.args }),
    Env: Object.entries(spec.env).map(([name, value]) => `${name}=${value}`),
    Labels: { ...labelsOf(spec), ...place.labels },
    ...(spec.stopSignal !== undefined && { StopSignal: spec.stopSignal }),
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    OpenStdin: false,
    Tty: false,
    Healthcheck: { Test: ['NONE'] }, // An image's own would run in the engine as often as a stranger likes.
    ...publishingOf(spec, hardening).config,
    HostConfig: {
      ...toHostConfig(spec, hardening, place.mode),
      ...publishingOf(spec, hardening).host,
      ...(devices.length > 0 && { DeviceRequests: devices }),
    },
  }
}

/** The engine picks the machine's ports. */
function publishingOf({ publish = [] }: ContainerSpec, { publishAt }: HardeningOptions) {
  if (publishAt === null || publish.length === 0) return { config: {}, host: {} }
  const names = publish.map(({ port, protocol }) => `${port}/${protocol.toLowerCase()}`)
  return {
    config: { ExposedPorts: Object.fromEntries(names.map((name) => [name, {}])) },
    host: { PortBindings: Object.fromEntries(names.map((name) => [name, [{ HostIp: publishAt, HostPort: '' }]])) },
  }
}

function toHostConfig(
  spec: ContainerSpec,
  hardening: HardeningOptions,
  networkMode: string,
): HostConfig & { CgroupnsMode: 'private' } {
  const { storageQuota, runtime, nameServers } = hardening
  const { volumes = [] } = spec
  return {
    NetworkMode: networkMode,
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
    ...(hardening.canSwapLess && { MemorySwappiness: 0 }), // Where the kernel does not count swap, that is what is left.
    OomScoreAdj: oomScoreAdj,
    ShmSize: shmBytes,
    Ulimits: ulimitsOf(hardening),
    Init: hardening.useInit,
    LogConfig: hardening.logConfig,
    ...(storageQuota !== null && { StorageOpt: { size: String(spec.storageBytes + storageQuota) } }),
    ...(volumes.length > 0 && {
      Mounts: volumes.map(({ name, mountPath }) => ({ Type: 'volume', Source: name, Target: mountPath })),
    }),
    ...(runtime !== null && { Runtime: runtime }),
    // Joined, it asks those of what it joins.
    ...(networkMode !== 'none' && !isJoined(networkMode) && nameServers.length > 0 && { Dns: nameServers }),
    RestartPolicy: { Name: 'no' },
    AutoRemove: false,
  }
}

/** No limit of processes where it can be helped: the kernel counts those of all containers whose user has one number. */
function ulimitsOf({ maxOpenFiles, maxUserProcesses }: HardeningOptions): NonNullable<HostConfig['Ulimits']> {
  return [
    { Name: 'nofile', Soft: maxOpenFiles, Hard: maxOpenFiles },
    { Name: 'core', Soft: 0, Hard: 0 }, // The machine's handler of core dumps runs outside.
    ...(maxUserProcesses === null ? [] : [{ Name: 'nproc', Soft: maxUserProcesses, Hard: maxUserProcesses }]),
  ]
}

export interface NetworkSpec {
  name: string
  /** Peer id of the agent, by which the firewall knows the bridge. */
  owner: string
  /** All that it is labelled with. */
  labels: Record<string, string>
}

/** The container's own network: with nobody else on it, there is nobody to be kept from. */
export function toNetworkOptions(spec: NetworkSpec, subnet: string | null): NetworkCreateOptions {
  return {
    Name: spec.name,
    Driver: 'bridge',
    CheckDuplicate: true,
    Attachable: false,
    EnableIPv6: false,
    Labels: spec.labels,
    Options: { 'com.docker.network.bridge.name': bridgeName(spec.owner, spec.name) },
    ...(subnet !== null && { IPAM: { Driver: 'default', Config: [{ Subnet: subnet }] } }),
  }
}

export function labelsOf(spec: Pick<ContainerSpec, 'labels' | 'owner'>): Record<string, string> {
  return { ...spec.labels, [ownerLabel]: spec.owner }
}

/** Refuses a name that would mean something else in a path of the engine's API. */
export function checkName(name: string): void {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,100}$/.test(name)) return
  throw new EngineError('ENGINE_ERROR', 'a container name is 2 to 101 of a-z A-Z 0-9 _ . -', { reason: 'invalid-name' })
}
