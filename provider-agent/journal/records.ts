/** What the journal keeps of a lease. Stored as JSON: amounts of money as decimal text, bytes as hex. */

import type { Moment } from '../../node/moment.ts'
import type { Resources } from '../../protocol/units.ts'

/** An accepted award; written once. Secrets and registry credentials are never here. */
export interface LeaseRecord {
  jobId: string
  fence: number
  requester: string
  bidId: string
  requestId: string
  requirementsDigest: string
  /** Nano-dollars. */
  pricePerHour: string
  /** Nano-dollars; absent in records of versions that knew none. */
  minimumCharge?: string
  resources: Resources
  job: LeaseJob
  /** Whether the award held secrets or credentials: without them the container cannot be made again. */
  hadSecrets: boolean
  onDisconnect: 'continue' | 'stop'
  leaseTimeoutMs: number
  addresses: string[]
  /** Of the award; absent in records of versions that knew none. */
  traceparent?: string
  acceptedAtMs: number
}

export interface LeaseJob {
  image: string
  command: string[]
  args: string[]
  env: Record<string, string>
  imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never'
  durationSeconds: number
  stopSignal: string
  stopGraceSeconds: number
  network: 'bridge' | 'none'
  /** Exposed ones; absent in records of older versions. */
  ports?: { port: number; protocol: 'TCP' | 'UDP'; isPublic?: boolean }[]
  /** A path that is kept at the end; absent or empty is none. */
  outputs?: string
  /** Missing in journals of versions that had none. */
  volumes?: LeaseVolume[]
}

export interface LeaseVolume {
  /** The job's own name for it. */
  name: string
  mountPath: string
  sizeBytes: number
}

/** Given to the container and then only held in memory. */
export interface LeaseSecrets {
  env: Record<string, string>
  registryCredentials?: { username: string; password: string; serverAddress: string }
}

/** Why a container is told to stop. A later reason replaces an earlier one only if it stands further right here. */
export const STOP_REASONS = ['expired', 'over-limit', 'shutdown', 'disconnected', 'cancelled', 'stale'] as const
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
  imageDigest: string
  /** How long the container has run as far as known, on the monotonic clock. */
  meteredMs: number
  stopping: StopReason | null
  /** With `over-limit`: which. */
  exceeded?: Exceeded | null
  ended: LeaseEnd | null
  /** Answers to the newest commands by id, so that a repeated one does nothing. */
  commands: [string, CommandAnswer][]
  /** When the requester spoke last. */
  lastContact: Moment
}

/** A limit that a job went beyond. Crosses the wire in the details of its failure. */
export interface Exceeded {
  what: 'memory' | 'pids' | 'storage' | 'volume'
  /** The job's own name of the volume. */
  volume?: string
  /** In bytes; processes where it is those. */
  limit: number
  used: number
}

export interface LeaseEnd {
  sequence: number
  outcome: Outcome
  exitCode: number | null
  endedAtMs: number
  meteredSeconds: number
  /** Nano-dollars. */
  cost: string
  failureCode: string
  /** Base64 of the encoded SignedStatement. */
  receipt: string
}

export type Outcome = 'exited' | 'failed' | 'cancelled'

export interface CommandAnswer {
  ok: boolean
  code: string
  message: string
}

/** What stays of a lease for ever: enough to answer a repeated award, to refuse a stale one, and to add up earnings. */
export interface SettledLease {
  jobId: string
  fence: number
  requester: string
  bidId: string
  /** Null where it was settled without an end that counts. */
  end: LeaseEnd | null
  startedAtMs: number | null
  /** Base64 of the receipt's statement with the requester's signature; null where it never came. */
  requesterReceipt: string | null
  settledAtMs: number
}

/** `JOB-FENCE`: unique on a provider, and a valid part of a container's name. */
export function leaseId(jobId: string, fence: number): string {
  return `${jobId}-${fence}`
}

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
