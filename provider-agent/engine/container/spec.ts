import type { ContainerCreateOptions, HostConfig } from 'dockerode'
import type { Isolation } from '../../../protocol/isolation.ts'
import { type GpuGrant, NO_GPUS } from '../../gpus/gpus.ts'
import { machinePids } from '../../isolation/walls.ts'
import { alone, isJoined, type Place } from '../../networks/network-mode.ts'
import { type Weighing, weightsOf } from '../../weights/shares.ts'
import { type ContainerSpec, EngineError, type Privileges } from '../index.ts'
import { gpusLabel, ownerLabel } from '../labels.ts'
import { engineName } from '../reference.ts'
import type { VolumeQuota } from '../storage/volume-quota.ts'
import type { HealthCheck } from './image-config.ts'

/** What holds for every container of an engine. */
export interface HardeningOptions {
  /** Most processes and threads at once, where a container does not say. */
  pidsLimit: number
  /** Most open files of each process, where a container does not say. */
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
  /** Which walls containers have around them. */
  isolation: Isolation
  /** Null is the engine's default. */
  runtime: string | null
  /** Name servers that the engine's own asks for a container; empty is the engine's choice. */
  nameServers: string[]
  /** Whether the kernel takes a container's swappiness: with cgroup 1. */
  canSwapLess: boolean
  /** Whether a small init is put in front of the program, where a container does not say. */
  useInit: boolean
  privileges: Privileges
  /** What tells whether the container is healthy; null where nothing does. */
  healthcheck: HealthCheck | null
  /** Address of the machine at which ports are published; null publishes none. */
  publishAt: string | null
  /** What it weighs against the owner's own programs. */
  weighing: Weighing
  logConfig: { Type: string; Config: Record<string, string> }
}

/**
 * The capabilities that stay where all others are dropped: what the entrypoints of ordinary images (nginx, PostgreSQL,
 * Redis and their like) use between starting as root and running as somebody else. None reaches beyond the container.
 */
const leastCapabilities = [
  'CHOWN', // Give the data folder to the service's user.
  'DAC_OVERRIDE', // Write into folders that the image gave to another user.
  'FOWNER', // Set modes on what was just given away.
  'SETGID', // Become the service's group,
  'SETUID', // and its user: gosu, su-exec, nginx's workers.
  'NET_BIND_SERVICE', // Listen on ports below 1024 where the engine does not already allow it.
  'KILL', // Signal children that run as another user; the init could not pass SIGTERM on without it.
]

/** All that `docker run` gives but NET_RAW. What each opens, as measured: docs/decisions/0047-capabilities.md. */
const ordinaryCapabilities = [
  ...leastCapabilities,
  'FSETID', // `chmod 2755` keeps its bits: shared folders, crontab, screen.
  'SETFCAP', // `setcap`; installing packages whose programs have capabilities.
  'SETPCAP', // Give capabilities away: setpriv, capsh, sandboxes of services.
  'SYS_CHROOT', // `chroot`; sshd and FTP servers, for who has not signed in yet.
  'MKNOD', // Device files in a root folder that is built; they open nothing that the container did not have.
  'AUDIT_WRITE', // sshd, sudo and cron end a session that they cannot note down.
]

/** With the machine short of memory the kernel ends jobs before the owner's programs. Range -1000..1000. */
const oomScoreAdj = 500

/**
 * What the engine is asked to create, hardening included.
 *
 * @param gpus those that it gets
 * @param place the network that it is put on; by default one of its own, or none
 */
export function toCreateOptions(
  spec: ContainerSpec,
  hardening: HardeningOptions,
  gpus: GpuGrant = NO_GPUS,
  place: Place = alone(spec.network === 'none' ? 'none' : spec.name),
): ContainerCreateOptions {
  checkName(spec.name)
  return {
    name: spec.name,
    Image: engineName(spec.image),
    ...(spec.command.length > 0 && { Entrypoint: spec.command }),
    ...(spec.args.length > 0 && { Cmd: spec.args }),
    Env: Object.entries({ ...spec.env, ...gpus.env }).map(([name, value]) => `${name}=${value}`),
    Labels: {
      ...labelsOf(spec),
      ...place.labels,
      // Always, or the image's own would be read.
      [gpusLabel]: gpus.given.join(','),
    },
    ...(spec.stopSignal !== undefined && { StopSignal: spec.stopSignal }),
    ...(spec.workdir !== undefined && { WorkingDir: spec.workdir }),
    ...(spec.user !== undefined && { User: spec.user }),
    AttachStdin: spec.stdin === true,
    AttachStdout: false,
    AttachStderr: false,
    OpenStdin: spec.stdin === true,
    ...(spec.stdin === true && { StdinOnce: true }),
    Tty: spec.tty === true,
    Healthcheck: hardening.healthcheck ?? { Test: ['NONE'] },
    ...publishingOf(spec, hardening).config,
    HostConfig: {
      ...toHostConfig(spec, hardening, place.mode),
      ...publishingOf(spec, hardening).host,
      ...gpus.host,
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
  const mounts = mountsOf(spec)
  return {
    NetworkMode: networkMode,
    CapDrop: ['ALL'],
    CapAdd: hardening.privileges === 'least' ? leastCapabilities : ordinaryCapabilities,
    // Seccomp and AppArmor stay at the engine's defaults, which are on.
    SecurityOpt: hardening.privileges === 'least' ? ['no-new-privileges'] : [],
    Privileged: false,
    PublishAllPorts: false,
    IpcMode: 'private',
    CgroupnsMode: 'private',
    PidsLimit: machinePids(hardening.isolation, pidsLimitOf(spec, hardening)),
    NanoCpus: spec.cpuMillis * 1_000_000,
    ...weightsOf(spec.cpuMillis, hardening.weighing),
    Memory: spec.memoryBytes,
    MemorySwap: spec.memoryBytes, // Memory and swap together: no swap.
    ...(hardening.canSwapLess && { MemorySwappiness: 0 }), // Where the kernel does not count swap, that is what is left.
    OomScoreAdj: oomScoreAdj,
    ShmSize: shmBytesOf(spec),
    Ulimits: ulimitsOf(spec, hardening),
    Init: spec.init ?? hardening.useInit,
    LogConfig: hardening.logConfig,
    ...(storageQuota !== null && { StorageOpt: { size: String(spec.storageBytes + storageQuota) } }),
    ...(mounts.length > 0 && { Mounts: mounts }),
    ...(runtime !== null && { Runtime: runtime }),
    // Joined, it asks those of what it joins.
    ...(networkMode !== 'none' && !isJoined(networkMode) && nameServers.length > 0 && { Dns: nameServers }),
    RestartPolicy: { Name: 'no' },
    AutoRemove: false,
  }
}

function mountsOf({ volumes = [], inputs = [] }: ContainerSpec): NonNullable<HostConfig['Mounts']> {
  return [
    ...volumes.map(({ name, mountPath }) => ({ Type: 'volume' as const, Source: name, Target: mountPath })),
    ...inputs.map(({ type, source, path, readOnly }) => ({
      ...{ Type: type, Source: source, Target: path, ReadOnly: readOnly },
      // What the image has there is not to be in it.
      ...(type === 'volume' && { VolumeOptions: { NoCopy: true } }),
    })),
  ] as NonNullable<HostConfig['Mounts']>
}

/** Most processes and threads: what the container says, else the engine's setting. */
export function pidsLimitOf({ pids }: ContainerSpec, { pidsLimit }: Pick<HardeningOptions, 'pidsLimit'>): number {
  return pids ?? pidsLimit
}

/** Whole pages: the engine's own default, 64 MiB, is more than some containers have, and too little for most others. */
export function shmBytesOf({ shmBytes, memoryBytes }: ContainerSpec): number {
  return shmBytes ?? Math.floor(memoryBytes / 2)
}

/**
 * What the kernel counts for all processes whose user has one number, those of the machine and of other containers
 * included: a container gets no further than this, and the machine's own, whose limits are higher, still get some.
 */
const sharedLimits = [
  { name: 'sigpending', limit: 4_096 }, // Queued signals.
  { name: 'msgqueue', limit: 409_600 }, // Bytes of POSIX message queues; half of what is usual.
]

/** No limit of processes where it can be helped: the kernel counts those of all containers whose user has one number. */
function ulimitsOf(
  { openFiles }: ContainerSpec,
  { maxOpenFiles, maxUserProcesses }: HardeningOptions,
): NonNullable<HostConfig['Ulimits']> {
  const files = openFiles ?? maxOpenFiles
  return [
    { Name: 'nofile', Soft: files, Hard: files },
    { Name: 'core', Soft: 0, Hard: 0 }, // The machine's handler of core dumps runs outside.
    ...sharedLimits.map(({ name, limit }) => ({ Name: name, Soft: limit, Hard: limit })),
    ...(maxUserProcesses === null ? [] : [{ Name: 'nproc', Soft: maxUserProcesses, Hard: maxUserProcesses }]),
  ]
}

/** All labels of what is made for a container, whose it is among them. */
export function labelsOf(spec: Pick<ContainerSpec, 'labels' | 'owner'>): Record<string, string> {
  return { ...spec.labels, [ownerLabel]: spec.owner }
}

/** Refuses a name that would mean something else in a path of the engine's API. */
export function checkName(name: string): void {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,100}$/.test(name)) return
  throw new EngineError('ENGINE_ERROR', 'a container name is 2 to 101 of a-z A-Z 0-9 _ . -', { reason: 'invalid-name' })
}
