import type { Isolation } from '../../protocol/isolation.ts'

/** What `ContainerEngine.create` makes. Amounts are limits. */
export interface ContainerSpec {
  /** Unique on the engine, `[a-zA-Z0-9][a-zA-Z0-9_.-]{1,100}`; also the name of its network. */
  name: string
  /** Id on the engine (`sha256:…`), or a name that it has there. */
  image: string
  /** Where engines on other machines find it, `repository@sha256:…`. @default nowhere but here */
  imageName?: string
  /** Replaces the image's entrypoint; empty keeps it. */
  command: string[]
  /** Arguments to the entrypoint; empty keeps the image's own. */
  args: string[]
  /** Environment, secrets included. Never logged. */
  env: Record<string, string>
  cpuMillis: number
  memoryBytes: number
  /** Bytes the container may write beside its volumes; the engine holds it to that where `storageQuota` is `hard`. */
  storageBytes: number
  /** @default none */
  volumes?: VolumeSpec[]
  /** What it brings, in places of its own. @default nothing */
  inputs?: InputMount[]
  gpu: number
  /** Of which kind those are, see `kindOf`. @default any */
  gpuKind?: string
  /** Which walls it has around it. @default the first that the engine was given */
  isolation?: Isolation
  /** Labels in addition to the owner's. */
  labels: Record<string, string>
  /** Label value that marks everything this agent makes: its peer id. */
  owner: string
  /** @default the image's own, or SIGTERM */
  stopSignal?: string
  /** Of /dev/shm, in bytes; it counts as memory. @default half of the memory */
  shmBytes?: number
  /** Most open files of each process. @default the engine's setting */
  openFiles?: number
  /** Most processes and threads at once. @default the engine's setting */
  pids?: number
  /** Whether a small init is put in front of the program. @default where the engine has one and the program is none itself */
  init?: boolean
  /** Folder in which the program begins; made where the image has none of that name. @default the image's own */
  workdir?: string
  /** As whom the program runs, `user[:group]`, each a name or a number. @default the image's own */
  user?: string
  /** Whether its program has a terminal, for what it writes; nobody types at it. @default false */
  tty?: boolean
  /** Whether its program has a standard input that is open, to be attached to before the start. @default false */
  stdin?: boolean
  /** `bridge`: a network of its own. `none`: no network at all. */
  network: 'bridge' | 'none'
  /** Ports that the engine publishes, where it is told an address for that. @default none */
  publish?: { port: number; protocol: 'TCP' | 'UDP' }[]
}

/** Something that a container finds in its place. */
export interface InputMount {
  type: 'volume' | 'bind'
  /** The volume's name, or where the engine's machine has a file. */
  source: string
  /** Absolute, in the container. */
  path: string
  readOnly: boolean
}

/** A named volume of a container; made where it is not there yet. */
export interface VolumeSpec {
  /** Unique on the engine, as a container's name is; one that is there already is taken, with what is in it. */
  name: string
  /** Taken instead where one of this name is there and was made for the same: what it was called by an earlier version. */
  formerName?: string
  /** Absolute path in the container. */
  mountPath: string
  sizeBytes: number
  /** It outlives its job: under this id its requester's later jobs take it up, which make none where it is gone. */
  kept?: { id: string; isThere: boolean }
}
