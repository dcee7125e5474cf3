/** What the journal keeps of a lease. Stored as JSON: amounts of money as decimal text, bytes as hex. */

import type { Moment } from '../../node/moment.ts'
import type { Isolation } from '../../protocol/isolation.ts'
import type { JobInput } from '../../protocol/job-inputs.ts'
import type { JobOutputPath } from '../../protocol/job-outputs.ts'
import type { SentImage } from '../../protocol/sent-image.ts'
import type { Resources } from '../../protocol/units.ts'
import type { PulledImage } from '../engine/index.ts'

/** An accepted award; written once. Secrets and registry credentials are never here. */
export interface LeaseRecord {
  jobId: string
  /** Number of the attempt. */
  fence: number
  /** Peer id. */
  requester: string
  bidId: string
  requestId: string
  requirementsDigest: string
  /** Nano-dollars. */
  pricePerHour: string
  /** Nano-dollars; absent in records of versions that knew none. */
  minimumCharge?: string
  /** Nano-dollars for each GB that the job sends or receives; absent is nothing. */
  pricePerGb?: string
  /** Nano-dollars for each GB of its volumes that stay and hour in which no job has them; absent is nothing. */
  volumePerGbHour?: string
  resources: Resources
  /** Of which kind its GPUs are, see `kindOf`; absent where it has none, and in records of versions that knew none. */
  gpuKind?: string
  job: LeaseJob
  /** Which attempt of its job this is, from 1; absent where its requester does not say. */
  attempt?: number
  /** Whether the award held secrets or credentials: without them the container cannot be made again. */
  hadSecrets: boolean
  onDisconnect: 'continue' | 'stop'
  leaseTimeoutMs: number
  /** Under which the requester is dialled; it says them itself. */
  addresses: string[]
  /** Of the award; absent in records of versions that knew none. */
  traceparent?: string
  /** Ms since the epoch. */
  acceptedAtMs: number
  /** The same; absent in records of versions that knew none. */
  acceptedAt?: Moment
}

/** What of the job spec its container is made by, without secrets. */
export interface LeaseJob {
  image: string
  command: string[]
  args: string[]
  env: Record<string, string>
  imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never'
  durationSeconds: number
  /** Absent is the image's own, or SIGTERM. */
  stopSignal?: string
  stopGraceSeconds: number
  network: 'bridge' | 'none'
  /** Exposed ones; absent in records of older versions. */
  ports?: { port: number; protocol: 'TCP' | 'UDP'; isPublic?: boolean }[]
  /** A path that is kept at the end; absent or empty is none. */
  outputs?: string
  /** Paths that are kept apart, in place of one; absent in records of versions that knew none. */
  outputList?: JobOutputPath[]
  /** Missing in journals of versions that had none. */
  volumes?: LeaseVolume[]
  /** What it brings; absent is nothing. */
  inputs?: JobInput[]
  /** Its image, where it brings that; absent is one that a registry has. */
  sentImage?: SentImage
  /** Of /dev/shm; absent is half of the memory. */
  shmBytes?: number
  /** Most open files of a process; absent is this provider's default. */
  openFiles?: number
  /** Most processes and threads; absent is this provider's default. */
  pids?: number
  /** Most bytes that it sends and receives together; absent is as many as it likes, which nobody counts. */
  maxNetworkBytes?: number
  /** Absent: as the image's program wants it. */
  init?: boolean
  /** Which walls it has around it; absent, in records of older versions, is the provider's default. */
  isolation?: Isolation
  /** Folder in which the program begins; absent is the image's own. */
  workdir?: string
  /** `user[:group]`; absent is the image's own. */
  user?: string
  /** Whether it has a terminal. @default false */
  tty?: boolean
  /** As what its image may run, the best first; absent is what the engine runs by itself. */
  platforms?: string[]
  /** Whether the job names that; absent is no. */
  isPlatformNamed?: true
  /** `sha256:…` of the image, whatever its tag means by now; absent is what that means. */
  imageDigest?: string
}

/** A named volume of a job. */
export interface LeaseVolume {
  /** The job's own name for it; of one that was there before, its id. */
  name: string
  mountPath: string
  sizeBytes: number
  /** It outlives the job; `keepSeconds` is absent where it was there before. */
  kept?: { id: string; keepSeconds?: number; shared?: true }
}

/** A volume that outlives its job. */
export interface KeptRecord {
  /** Peer id. */
  requester: string
  /** Unique among the requester's. */
  id: string
  sizeBytes: number
  /** It goes so long after its last use. */
  keepSeconds: number
  /** When a job had it last, or it was made. */
  usedAt: Moment
  /** Ids of the leases that have it; absent where none has, and in records of versions that did not write it down. */
  hadBy?: string[]
  /** Its removal was asked for. */
  deleting?: true
  /** What it costs while no job has it; absent is nothing. */
  account?: KeptAccount
  /** It is there no more, and its last receipt is not signed yet; absent while it is there. */
  overAt?: Moment
}

/** What is metered of a volume that outlives its job, and what of that is signed. */
export interface KeptAccount {
  /** Id of the lease whose award agreed to the price. */
  award: string
  /** Nano-dollars. */
  pricePerGbHour: string
  /** For how long no job had it before {@link idleSince}, in ms. */
  idleMs: number
  /** Since when no job has it; null while one has, or it is not metered any more. */
  idleSince: Moment | null
  /** Number of the newest receipt, 0 before the first, and what all of them are for. */
  number: number
  signedSeconds: number
  /** When the newest was signed; absent before the first, and again once it is over. */
  signedAt?: Moment
  /** Whether its requester may never have heard that it has it: until it does something with it, or signs. */
  unheard?: true
  /** The lease that had it last; absent once its requester has done something with it since. */
  lastLease?: string
}

/** A receipt that both sides signed of a volume. Kept for ever. */
export interface KeptReceipt {
  /** Peer id. */
  requester: string
  id: string
  number: number
  seconds: number
  /** Nano-dollars. */
  cost: string
  /** When it was signed, in ms since the epoch. */
  signedAtMs: number
  /** Base64 of the statement, signed by the requester and by the provider. */
  signed: { requester: string; provider: string }
}

/** Given to the container and then only held in memory. */
export interface LeaseSecrets {
  env: Record<string, string>
  /** Those that the provider itself uses, to fetch what the job brings and to send what it leaves. @default none */
  keys?: Record<string, string>
  registryCredentials?: { username: string; password: string; serverAddress: string }
}

/** Why a container is told to stop. A later reason replaces an earlier one only if it stands further right here. */
export const STOP_REASONS = [
  'expired',
  'over-limit',
  'shutdown',
  'owner',
  'disconnected',
  'cancelled',
  'stale',
] as const
/** One of {@link STOP_REASONS}. */
export type StopReason = (typeof STOP_REASONS)[number]

/** What changes while a lease lives; written with every report, in the same batch. */
export interface LeaseProgress {
  /** Number of the newest report; 0 before the first. */
  lastSequence: number
  /** Lines of the container's output that are in reports. */
  logLines: number
  /** The duration now, extensions included. */
  durationSeconds: number
  /** The engine's time; null before the start. */
  startedAtMs: number | null
  /** When this agent heard of the start, or had metered nothing yet; null before. */
  runningSince: Moment | null
  /** How long it may have run before that, in ms; absent where nothing was said. */
  unheardMs?: number
  /** Nothing before is claimed; absent where the requester did not acknowledge the start as it was told. */
  claimFrom?: Moment
  imageDigest: string
  /** How long the container has run as far as known, on the monotonic clock. */
  meteredMs: number
  /** Bytes that had gone over its network before it started; absent where nobody counts them. */
  networkFrom?: number
  /** Bytes that it has sent and received since; absent is none. */
  networkBytes?: number
  /** Present once its program's standard input was passed on, whole. */
  stdinGiven?: true
  stopping: StopReason | null
  /** With `over-limit`: which. */
  exceeded?: Exceeded | null
  /** With `owner`: why, in the owner's words for the requester; empty where it gave none. */
  ownerSaid?: string
  ended: LeaseEnd | null
  /** Answers to the newest commands by id, so that a repeated one does nothing. */
  commands: [string, CommandAnswer][]
  /** When the requester spoke last. */
  lastContact: Moment
}

/** A limit that a job went beyond. Crosses the wire in the details of its failure. */
export interface Exceeded {
  what: 'memory' | 'pids' | 'files' | 'shm' | 'storage' | 'volume' | 'network'
  /** The job's own name of the volume. */
  volume?: string
  /** In bytes; processes or files where it is those. */
  limit: number
  used: number
}

/** How an attempt ended, as its last report told it. */
export interface LeaseEnd {
  /** Number of that report. */
  sequence: number
  outcome: Outcome
  /** Null where there is none to tell. */
  exitCode: number | null
  /** Ms since the epoch. */
  endedAtMs: number
  meteredSeconds: number
  /** Nano-dollars. */
  cost: string
  /** Empty where nothing failed. */
  failureCode: string
  /** Base64 of the encoded SignedStatement. */
  receipt: string
}

/**
 * `exited`: its program ended, with whatever code. `failed`: something else ended it or kept it from running.
 * `cancelled`: its requester wanted no more of it.
 */
export type Outcome = 'exited' | 'failed' | 'cancelled'

/** What a command of the requester came to. */
export interface CommandAnswer {
  ok: boolean
  /** Empty with `ok`. */
  code: string
  message: string
}

/** What stays of a lease for ever: enough to answer a repeated award, to refuse a stale one, and to add up earnings. */
export interface SettledLease {
  jobId: string
  fence: number
  /** Peer id. */
  requester: string
  bidId: string
  /** Null where it was settled without an end that counts. */
  end: LeaseEnd | null
  /** Why the machine's owner stopped it, in the owner's words, which may be none; absent where it was not so. */
  ownerSaid?: string
  /** The engine’s time, in ms since the epoch; null where it never ran. */
  startedAtMs: number | null
  /** Base64 of the receipt's statement with the requester's signature; null where it never came. */
  requesterReceipt: string | null
  /** Ms since the epoch. */
  settledAtMs: number
}

/** What a provider had to do with a job. */
export interface JobPast {
  /** Of the awards that were taken; 0 without one. */
  highestFence: number
  /** Why the machine's owner stopped it, in the owner's words, which may be none; null where that was not so. */
  ownerSaid: string | null
}

/** An image that was pulled for a job. */
export interface ImageRecord extends PulledImage {
  /** When a job last began or ended with it, in ms since the epoch. */
  usedAtMs: number
}

/** `JOB-FENCE`: unique on a provider, and a valid part of a container's name. */
export function leaseId(jobId: string, fence: number): string {
  return `${jobId}-${fence}`
}

/** Of a lease that was accepted this moment: nothing has been done for it. */
export function newProgress(record: LeaseRecord, now: Moment): LeaseProgress {
  return {
    lastSequence: 0,
    logLines: 0,
    durationSeconds: record.job.durationSeconds,
    startedAtMs: null,
    runningSince: null,
    imageDigest: '',
    meteredMs: 0,
    stopping: null,
    ended: null,
    commands: [],
    lastContact: now,
  }
}
