import type { GpuVendor } from '../../protocol/gpus.ts'
import type { Isolation } from '../../protocol/isolation.ts'
import type { GpuUse } from '../gpus/gpu-use.ts'
import type { ContainerSpec } from './container-spec.ts'

export type { ContainerSpec, InputMount } from './container-spec.ts'

/**
 * What the agent needs of a container engine, and nothing of how one is talked to.
 * Implementations: `docker.ts` (Docker Engine, or Podman's compatible socket) and, in `test/`, a fake for simulations.
 *
 * Every step may be repeated: creating, starting, stopping or removing twice is no error. An aborted `signal` makes a
 * call reject with its reason.
 */
export interface ContainerEngine {
  /** Asks the engine what it is and what the machine under it has. Rejects with {@link EngineError} when it is gone. */
  info(options?: AbortOptions): Promise<EngineInfo>

  /** Finds out, by trying, what holds for containers on it. Leaves nothing. */
  features(options?: AbortOptions): Promise<EngineFeatures>

  /**
   * Runs one container under the runtime of a class, as a job would have it: on a network, with limits, a log, and an exit
   * code. Rejects where anything of that is not as it should be, and leaves nothing.
   */
  prove(isolation: Isolation, options?: AbortOptions): Promise<void>

  /**
   * Makes the image present by policy and answers its digest. Its registry is asked each time whether whoever has these
   * credentials, or none, may read it. Rejects with {@link EngineError} `IMAGE_PULL_ERROR`.
   */
  pull(request: PullRequest, options?: AbortOptions): Promise<ImageInfo>

  /** Removes an image that was pulled under these names, unless anybody else uses it or has named it. */
  removeImage(image: PulledImage, options?: AbortOptions): Promise<RemovedImage>

  /**
   * Creates the container, its own network, and those of its volumes that are not there yet. Repeating it for the same
   * name finds the first one.
   */
  create(spec: ContainerSpec, options?: AbortOptions): Promise<void>

  /**
   * What the engine's own clock says, in ms since the epoch: every time that it tells of a container is by this one. It may
   * be another machine's, so none of them is compared with a time of any other clock.
   */
  nowMs(options?: AbortOptions): Promise<number>

  /** Starts it; resolves when the engine says it runs. Answers the engine's start time, in ms since the epoch. */
  start(name: string, options?: AbortOptions): Promise<{ startedAtMs: number }>

  /**
   * Resolves when the container has ended; at once if it already has. Rejects with {@link EngineError}
   * `INVALID_COMMAND` when its program could not be executed at all, where `start` could not tell; with `ENGINE_ERROR` and
   * `details.reason` `restarted` when somebody started it again, `engine-stopped` when the engine is being stopped and has
   * stopped it, `not-found` when it was removed.
   */
  wait(name: string, options?: AbortOptions): Promise<ContainerExit>

  /**
   * The output in batches of one or more lines, from line number `fromLine` (1 is the first) on, and then live, until
   * the container has ended and all of its output was read. Call it once `start` has resolved. Replays from the
   * engine's own log, so numbers are the same after an agent restart. Reads on only as fast as batches are taken.
   *
   * Rejects with {@link EngineError} `RESOURCE_LIMIT_EXCEEDED`, `details.resource: 'logs'`, after the last line within
   * the limit when the container wrote more than the engine keeps; the container runs on.
   */
  logs(name: string, fromLine: number, options?: LogsOptions): AsyncIterable<LogLine[]>

  /** One sample about every `intervalMs` until the container ends. */
  stats(name: string, intervalMs: number, options?: AbortOptions): AsyncIterable<StatsSample>

  /**
   * What tells how much went over the network that the container has for itself. It counts on where another container had that
   * network before, so what is read before the start is to be taken off; and it can be read until the container is removed.
   */
  traffic(name: string, options?: AbortOptions): Promise<ReadTraffic>

  /**
   * What the container and its volumes take of the disk, running or ended. Costs a walk over all of their files; the
   * container's own are left out where the storage driver holds them to a limit. With `around`, those are counted that are
   * not under the limit, or may not be; with `all`, all.
   */
  storage(name: string, options?: AbortOptions & { all?: boolean; around?: boolean }): Promise<StorageUse>

  /**
   * Limits of the running container that refuse rather than end, each time that one is seen to, until it ends. Nothing
   * where the container's kernel is not this machine's.
   */
  limitsMet(name: string, options?: AbortOptions): AsyncIterable<MetLimit>

  /** SIGTERM (or `signalName`), then SIGKILL after `graceMs`. Resolves when it has ended. */
  stop(name: string, stop: { graceMs: number; signalName?: string }, options?: AbortOptions): Promise<void>

  /** Removes the container, its network and its anonymous volumes. Named ones stay. */
  remove(name: string, options?: AbortOptions): Promise<void>

  /**
   * What runs on this engine beside the containers of `owner`, and what those have written. Costs a walk over the files
   * of each of the owner's containers, so not for every second.
   */
  survey(owner: string, options?: AbortOptions): Promise<EngineSurvey>

  /** Everything on this engine that carries the labels of `owner`: containers and networks, running or not. */
  list(owner: string, options?: AbortOptions): Promise<ContainerSummary[]>

  /** Named volumes that carry the labels of `owner`. */
  volumes(owner: string, options?: AbortOptions): Promise<VolumeSummary[]>

  /** Removes a named volume and what is in it. That there is none is no error; that it is in use is one. */
  removeVolume(name: string, options?: AbortOptions): Promise<void>
}

/** Bytes so far, both ways together; null where nothing counts them. */
export type ReadTraffic = () => Promise<number | null>

/** Of every call: once `signal` aborts, it rejects with the signal's reason. */
export interface AbortOptions {
  signal?: AbortSignal
}

/** Of {@link ContainerEngine.logs}. */
export interface LogsOptions extends AbortOptions {
  /**
   * A line that was read before, usually the last one. When the engine's log has another time at that number, it lost
   * lines, and `logs` rejects with `ENGINE_ERROR`, `details.reason: 'log-truncated'`, rather than count wrongly.
   */
  lastSeen?: Pick<LogLine, 'number' | 'timestampMs'>
}

/** What {@link ContainerEngine.info} answers. */
export interface EngineInfo {
  /** e.g. `"20.10.24"`. */
  version: string
  /** Cores that the engine sees, in millicores. */
  cpuMillis: number
  /** Memory that the engine sees, in bytes. */
  memoryBytes: number
  /** Folder on the engine's machine where images and containers live. */
  dataRoot: string
  storageDriver: string
  /** Docker's name of the architecture, e.g. `"amd64"`. */
  architecture: string
  cgroupVersion: 1 | 2
  /** Whether containers run on while the engine is away; else its end is theirs. */
  outlived: boolean
  /** How this engine gives a container GPUs; null where it cannot. */
  gpuDriver: GpuDriver | null
}

/** Files of the machine are given by every engine that has a driver for GPUs. */
export interface GpuDriver {
  /** Whether it has NVIDIA's runtime. */
  nvidia: boolean
  /** The names of GPUs that it has found in CDI files, e.g. `"nvidia.com/gpu=0"`. */
  cdi: string[]
}

/** GPUs that a container has: some by name (uuid, place or CDI name), the first so many (null is all), or by files of theirs. */
export type GpuClaim =
  | { vendor: GpuVendor; ids: string[] }
  | { vendor: GpuVendor; first: number | null }
  | { devices: string[] }

/** What {@link ContainerEngine.survey} finds. */
export interface EngineSurvey {
  /** What other running containers hold together: their limits, and where they have none what they use. */
  others: { cpuMillis: number; memoryBytes: number; gpus: GpuClaim[] }
  /** Bytes that the owner's containers, running or not, have written into their own layers, and those of kept volumes. */
  writtenBytes: number
  /** Uuids of the GPUs that the owner's containers have, those that ended apart. */
  ownGpus: string[]
}

/** What {@link ContainerEngine.features} found out. */
export interface EngineFeatures {
  /** Whether the storage driver itself holds containers to `storageBytes`; else their use has to be looked at. */
  storageQuota: 'hard' | 'measured'
  /** The same for named volumes and their `sizeBytes`. */
  volumeQuota: 'hard' | 'measured'
  /** Whether containers can have named volumes. */
  volumes: boolean
  /** Why containers with a network can reach more than the internet, for people; null where they cannot. */
  networkProblem: string | null
  /** Why nobody can be let in to the ports of containers from here, for people, with the remedy; null where that works. */
  portsProblem: string | null
  /** Whether containers can have a terminal. */
  terminals: boolean
  /** Whether a program can be given a standard input. */
  standardInput: boolean
  /** Whether {@link ContainerEngine.traffic} can tell. */
  countsTraffic: boolean
  /** What containers run under that name no class; null is the engine's own default. */
  runtime: string | null
  /** What the programs of containers may do. */
  privileges: Privileges
}

/**
 * What root of a container, and who becomes it, may do there. `ordinary`: as under `docker run`, but for raw packets, so
 * that the services of ordinary images run. `least`: what it takes to start as root and run as somebody else, and nobody
 * gains anything by a program's setuid bit or file capabilities. See docs/decisions/0047-capabilities.md.
 */
export type Privileges = 'ordinary' | 'least'

/** An image that is to be there, and who asks for it. */
export interface PullRequest {
  /** Any reference that `docker pull` takes, e.g. `"busybox:1.36"`. */
  image: string
  policy: 'Always' | 'IfNotPresent' | 'Never'
  credentials?: { username: string; password: string; serverAddress: string }
  /** As what it may run, the best first, as `plainPlatform` writes them. @default what the engine runs by itself */
  platforms?: readonly string[]
  /** Whether that is what the job names, and not what its image is for or this machine runs. @default false */
  isPlatformNamed?: boolean
  /** `sha256:…` of its manifest or index: these bytes, whatever its tag means by now. @default what the tag means */
  digest?: string
  /** Whether an image that the engine has under this name may be run without asking its registry. @default false */
  mayUseLocal?: boolean
  /** Bytes that images may take of the disk now, this one included. @default what is free, but for a rest */
  room?: () => Promise<number>
  /** Where its requester sends it: then no registry is asked. @default its registry has it */
  sent?: {
    /** What it is called on the engine, where nothing else may be called so. */
    name: string
    /** Gets its parts; called where the engine does not have it. */
    parts: () => Promise<ImageParts>
  }
  /** Called as layers come in; bytes are over all layers known so far. */
  onProgress?: (progress: { layersDone: number; layersTotal: number; bytesDone: number; bytesTotal: number }) => void
}

/** An image in parts that are here. */
export interface ImageParts {
  /** As OCI and Docker have it. */
  config: Buffer
  /** From the lowest on; `size` is what `open` gives, in bytes. */
  layers: { size: number; open: () => AsyncIterable<Buffer> }[]
}

/** An image that is there now: what {@link ContainerEngine.pull} answers. */
export interface ImageInfo {
  /** `sha256:…` of the image's configuration as the engine knows it. */
  imageId: string
  /** What a container is made of: {@link ContainerSpec.image}. */
  image: string
  /** `repository@sha256:…` as its registry has it; null where none was asked. */
  repoDigest: string | null
  /** What pulls named it on the engine; empty for an image of the owner's. */
  names: string[]
}

/** An image, and the names under which it was pulled. */
export interface PulledImage {
  imageId: string
  names: string[]
}

/** `in-use`: a container has it. `named-by-others`: the names are gone, and somebody gave it another. */
export type RemovedImage = 'removed' | 'in-use' | 'named-by-others'

/** What {@link ContainerEngine.storage} measures, in bytes. */
export interface StorageUse {
  /** What the container wrote beside its named volumes; an image's anonymous volumes count. */
  ownBytes: number
  /** By name of the volume. */
  volumes: Record<string, number>
  /** Whether the storage driver holds the container to its limit. */
  isHeld: boolean
  /** Whether something does so for the volumes. */
  areVolumesHeld: boolean
}

/** `pids`: a process or thread was not started. `files`: a process has as many open as it may. `shm`: /dev/shm is full. */
export interface MetLimit {
  what: 'pids' | 'files' | 'shm'
  /** In bytes; processes or files where it is those. */
  limit: number
  used: number
}

/** One of {@link ContainerEngine.volumes}. */
export interface VolumeSummary {
  name: string
  labels: Record<string, string>
}

/** What a program ends with that was killed, by the kernel as by anybody: 128 and SIGKILL. */
export const KILLED = 137
/** What an engine says of an end of which it could learn nothing (containerd, `UnknownExitStatus`); programs may end so, too. */
export const UNKNOWN_EXIT = 255
/** The same of SIGTERM, where the program does not handle it. */
export const TERMINATED = 143

/** What {@link ContainerEngine.wait} answers. */
export interface ContainerExit {
  exitCode: number
  /** True when the kernel ended it for memory. */
  oomKilled: boolean
  /** Present where somebody asked the engine to end it, who was not this agent: see `outside.ts`. */
  fromOutside?: true
  /** Present where the engine was away when it ended: what it wrote since the engine went is lost. */
  unseen?: true
  /** The engine's times, in ms since the epoch. */
  startedAtMs: number
  finishedAtMs: number
}

/** One line of a container's output, or a piece of a long one. */
export interface LogLine {
  /** 1 for the first line of the container, without gap over both streams. */
  number: number
  stream: 'stdout' | 'stderr'
  /** When the engine received it, in ms since the epoch. */
  timestampMs: number
  /** Without its `\n`; valid Unicode (bytes that are no UTF-8 become U+FFFD); at most 64 KiB of UTF-8. */
  line: string
  /** What the container wrote, without the `\n`; absent where that is just `line` in UTF-8. */
  bytes?: Buffer
  /** No newline comes behind it: it was longer than 64 KiB and goes on in the next one, or the output ended so. */
  partial: boolean
}

/** One of {@link ContainerEngine.stats}. */
export interface StatsSample {
  timestampMs: number
  /** Average since the previous sample, in millicores. */
  cpuMillis: number
  memoryBytes: number
  /** Totals since the start. */
  rxBytes: number
  txBytes: number
  /** Size of the writable layer; null where the engine was not asked. */
  storageBytes: number | null
  /** Processes and threads now, and the most that are let live; null where the engine does not say. */
  pids: { current: number; limit: number } | null
  /** What its GPUs do; absent where it has none, or nothing tells. */
  gpu?: GpuUse
}

/** One of {@link ContainerEngine.list}: a container, or a network that is left without one. */
export interface ContainerSummary {
  name: string
  state: 'created' | 'running' | 'exited' | 'network-only'
  labels: Record<string, string>
}

/** Append-only: these cross the wire inside failures. */
export type EngineErrorCode =
  | 'IMAGE_PULL_ERROR'
  | 'RESOURCE_LIMIT_EXCEEDED'
  | 'INVALID_COMMAND'
  | 'ENGINE_UNAVAILABLE'
  | 'ENGINE_ERROR'

/** What a caller handles by `code`; `details` never hold env or credentials. */
export class EngineError extends Error {
  override readonly name = 'EngineError'
  readonly code: EngineErrorCode
  readonly details: Record<string, string | number | boolean>
  /**
   * A sentence for the owner of the job. The message is for the owner of the machine alone: it has the engine's words, which
   * may be those of a registry or of another service, and its names for what it holds. @default null: the reason says it
   */
  readonly told: string | null

  constructor(
    code: EngineErrorCode,
    message: string,
    details: Record<string, string | number | boolean> = {},
    options?: ErrorOptions & { told?: string },
  ) {
    super(message, options)
    this.code = code
    this.details = details
    this.told = options?.told ?? null
  }
}
