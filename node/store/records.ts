/**
 * What the store keeps of a job. Times are ms since the epoch; money is decimal text of whole nano-dollars, because
 * JSON has no `bigint`.
 */

import type { ContainerHealth, EndpointState } from '../../protocol/endpoints.ts'
import type { Failure, FailureDetails } from '../../protocol/failures.ts'
import type { JobInput } from '../../protocol/job-inputs.ts'
import type { PublicJobSpec } from '../../protocol/job-spec.ts'
import type { JobEventType } from '../../protocol/lifecycle.ts'
import type { Measured } from '../../protocol/measured.ts'
import type { ResolvedImage } from '../../protocol/platforms.ts'
import type { SentImage } from '../../protocol/sent-image.ts'
import type { Moment } from '../moment.ts'
import type { JobOutput } from '../outputs/index.ts'
import type { GpuView } from '../views/gpu-view.ts'

/** A job as it is stored. Never changed in place: a change makes a new one. */
export interface JobRecord {
  id: string
  /** Whose it is: a key's owner at a gateway, `local` at a client node. */
  owner: string
  createdAtMs: number
  /** The same on a clock that never jumps: the job's own time goes on from here. Absent in records of older versions. */
  created?: Moment
  spec: PublicJobSpec
  state: JobState
  /** 1 for the first; rises when a provider was lost or refused after it had accepted. */
  attempt: number
  /** Fencing token of the last award sent; 0 before the first. */
  fence: number
  /** The duration in force: the spec's plus extensions, in seconds. */
  durationSeconds: number
  /** Set once the user asked to cancel. */
  cancelRequestedAtMs: number | null
  /** An extension that the provider has not answered yet. */
  extension: { commandId: string; additionalSeconds: number } | null
  /** Finished leases of earlier attempts, whose use is paid for, too. */
  pastLeases: PastLease[]
  /** What its image's registry said: these bytes in all attempts. Absent where it has not said anything yet. */
  image?: ResolvedImage
  /** What its `inputs` came to when a provider was first looked for; absent before, and where it brings nothing. */
  inputs?: JobInput[]
  /** What its `imageFrom` came to, likewise; absent where a registry has its image. */
  sentImage?: SentImage
  /** What became of its outputs; absent where it names none, or has not ended. */
  output?: JobOutput
  /** Why lines of the log may be missing, for people; absent where none are. */
  logProblem?: string
  logs: LogExtent
  /** Number of the newest event; events are 1..lastEvent without gap. */
  lastEvent: number
  /** Where it came from: `resubmittedFrom`, `batch`, `schedule`, `template`. */
  origin: Record<string, string>
}

/** State that exists only in some statuses is there only in those. */
export type JobState =
  | Pending
  | { status: 'scheduled'; lease: Lease; scheduledAtMs: number }
  | { status: 'running'; lease: Lease; scheduledAtMs: number; startedAtMs: number }
  | ({ status: 'completed' } & Ended<Lease, 0>)
  | ({ status: 'failed'; failure: Failure } & Ended<Lease | null, number | null>)
  | ({ status: 'cancelled' } & Ended<Lease | null, number | null>)

interface Pending {
  status: 'pending'
  /** Whether it waits for its release: nobody looks for a provider before that. Absent is no. */
  held?: boolean
  award: AwardInFlight | null
  /** Ms to wait before the next award, because an earlier attempt may still run for that long; counted anew after a restart. */
  waitOutMs: number
  /** Providers that are kept out of the next round. */
  excluded: string[]
  /** The lease of the attempt before, whose provider fell silent: it goes on where it comes back in time. Absent is none. */
  lost?: LostLease | null
}

/** A lease as it was when its provider was lost. */
export interface LostLease {
  lease: Lease
  scheduledAtMs: number
  /** Null where its container was not said to run. */
  startedAtMs: number | null
  attempt: number
  /** As in {@link LogExtent}. */
  logOffset: number
}

interface Ended<L, X> {
  lease: L
  scheduledAtMs: number | null
  startedAtMs: number | null
  endedAtMs: number
  exitCode: X
}

/** Written before the award is sent, so that a crash between the two never gives the job to two providers. */
export interface AwardInFlight {
  provider: string
  addresses: string[]
  /** Number of the award, from 1: reports with an older one are not heard. */
  fence: number
  /** Hex. */
  requestId: string
  bidId: string
  /** SHA-256 of what was bid on, in hex. */
  requirementsDigest: string
  /** Nano-dollars. */
  pricePerHour: string
  /** Nano-dollars at least; absent in records of versions that knew none. */
  minimumCharge?: string
  /** Nano-dollars for each GB that it sends or receives; absent is nothing. */
  pricePerGb?: string
  /** Nano-dollars for each GB of the volumes that it leaves and hour in which no job has them; absent is nothing. */
  volumePerGbHour?: string
  /** When it was first sent: the container cannot run before. */
  awardedAt: Moment
  /** How long the provider may still accept it, in ms from then. */
  bidValidMs: number
}

/** A provider's accepted award. */
export interface Lease extends AwardInFlight {
  acceptedAtMs: number
  /** Sequence number of the last report that was stored. */
  lastReport: number
  /** How long the container has run, in ms, as far as this peer's own clock bears out what the provider says. */
  meteredMs: number
  /** What the provider's last report claims, in ms, where this peer could not sign it; absent elsewhere. */
  claimedMs?: number
  /** Bytes that the job sent and received, as its provider says and the job may; absent is none. */
  networkBytes?: number
  /** As {@link Lease.claimedMs}, in bytes. */
  claimedBytes?: number
  lastContactMs: number
  /** The same for this peer's meter; absent in records of versions that had none. */
  lastContact?: Moment
  /** When it was heard of before its end, so far as that is told from what waited with the end; see `last-heard.ts`. Absent is not known. */
  heard?: Moment[]
  /** How the provider's clock differs from the job's time; absent before its first report. See `job-time.ts`. */
  clockOffset?: ClockOffset
  /** When progress of its pull, or of what it brings, was kept last; absent before. */
  lastProgressMs?: number
  /** Whether its provider was lost before, and came back: nobody comes back twice. */
  regained?: boolean
  /** Whether its duration was told to be over. */
  expired?: boolean
  /** When this peer was told that the container runs; absent before, and in records of older versions. */
  running?: ToldToRun
  /** As the provider said at the start; null before. */
  imageDigest: string | null
  /** How its ports do, as the provider told last; absent where it did not. */
  endpoints?: EndpointState[]
  /** What its image's own check says, as the provider told last; absent where it did not. */
  health?: ContainerHealth
  /** Whether the provider's last report is stored: nothing of this lease is still to come. */
  settled: boolean
  /** Base64 of the Receipt's statement, signed by the provider and by the requester. */
  receipt: { provider: string; requester: string } | null
}

/** What must be added to the provider's time to get the job's, in ms, as far as it can be told: between these. */
export interface ClockOffset {
  leastMs: number
  mostMs: number
}

/** What this peer knows itself of how long a container can have run; see `own-meter.ts`. */
export interface ToldToRun {
  /** When it heard of the start. */
  heardAt: Moment
  /** How long before that it had heard nothing that says otherwise, in ms: the container may have run for so much of it. */
  unheardMs: number
  /** The provider's clock at the start, as it said; its receipt must say the same. */
  startedAtMs: number
}

/** What is kept of a lease whose attempt is over while the job goes on. */
export interface PastLease {
  attempt: number
  fence: number
  provider: string
  /** Nano-dollars. */
  pricePerHour: string
  /** Nano-dollars at least; absent in records of versions that knew none. */
  minimumCharge?: string
  /** As in {@link Lease}; so are the other three. */
  pricePerGb?: string
  meteredMs: number
  claimedMs?: number
  networkBytes?: number
  claimedBytes?: number
  outcome: 'lost' | 'refused' | 'failed'
  /** Its code, what was said of it, and in the details its reason; absent in records of versions that did not keep it. */
  why?: Pick<Failure, 'code' | 'details'> & Partial<Pick<Failure, 'message'>>
  /** As in {@link Lease}: a provider that missed the last acknowledgement asks for it again. */
  lastReport: number
  settled: boolean
  receipt: Lease['receipt']
}

/** Which lines of a job's log are stored; numbers count from 1 over all attempts. */
export interface LogExtent {
  /** Lines stored so far over all attempts; also the number of the newest. */
  lines: number
  /** What they cost, about, in bytes of the disk: see `stored-lines.ts`. */
  bytes: number
  /** Number of the oldest line that is still kept. */
  first: number
  /** Lines that attempts before the current one have written: its line N is number `offset` + N. */
  offset: number
}

/** An entry in a job's history. */
export interface JobEvent {
  /** 1 for the first. */
  seq: number
  type: JobEventType
  /** The job's own time, see `job-now.ts`. */
  timestampMs: number
  data: FailureDetails
}

/** What was seen of a provider: how often it kept its word and broke it, each weighed as it counted at `atMs`. */
export interface TrackRecord {
  /** How often it kept its word. */
  honoured: number
  /** How often it broke it. */
  broken: number
  /** By the wall clock. */
  atMs: number
}

/** What jobs measured of a provider's machine, the mean of `count` of them. */
export interface SpeedRecord extends Measured {
  count: number
}

/** How late an owner's jobs began at a provider. */
export interface StartRecord {
  /** How many times as long as it had said that they would wait for their data; 1 or more. */
  times: number
  /** Wall clock of the last one, in ms. */
  atMs: number
}

/** What a provider said when asked, and what became of it. */
export interface BidRecord {
  attempt: number
  provider: string
  name: string
  timestampMs: number
  outcome: 'accepted' | 'released' | 'refused' | 'silent' | 'declined'
  /** Nano-dollars per hour; null for a decline. */
  pricePerHour: string | null
  /** Nano-dollars that the job would pay at least; null for a decline, absent in records of older versions. */
  minimumCharge?: string | null
  /** Nano-dollars for each GB that the job would send or receive; absent is nothing. */
  pricePerGb?: string
  /** The same for each GB of the volumes that it would leave and hour in which no job has them. */
  volumePerGbHour?: string
  /** Which GPUs it offered; absent where it did not say. */
  gpu?: GpuView
  /** As what the image would run there; absent where it did not say. */
  platform?: string
  /** Whether that is by emulation; absent is no. */
  emulated?: boolean
  /** Which walls the job would have around it there; absent where it did not say. */
  isolation?: string
  /** What of the job's bytes was missing there, as it said; absent where it did not say. */
  missingBytes?: number
  /** How long the job was expected to wait for them there, in ms; absent where nothing had to come, and in older records. */
  waitMs?: number
  /** Higher is better; null for a decline. */
  score: number | null
  /** Why it was chosen, passed over or declined. */
  reason: string
}

/** A line of a job's log. */
export interface LogRecord {
  /** 1 for the first, over all attempts. */
  number: number
  attempt: number
  timestampMs: number
  stream: 'stdout' | 'stderr'
  /** Without its newline; bytes that are no UTF-8 have become U+FFFD. */
  line: string
  /** What was written, without the newline; absent where that is just `line` in UTF-8. */
  base64?: string
  /** No newline comes behind it: it goes on in the next line, or the output ended so. */
  partial: boolean
}

/** What a running job used at a moment. */
export interface MetricSample {
  timestampMs: number
  /** Millicores. */
  cpuMillis: number
  memoryBytes: number
  /** Received over its network since its container started. */
  rxBytes: number
  /** Sent, counted so. */
  txBytes: number
  /** Null where the provider did not tell. */
  storageBytes: number | null
  /** Thousandths of one GPU, all of its own together; absent where it has none, or nobody told. */
  gpuMillis?: number
  /** Of their memory. */
  gpuMemoryBytes?: number
}

/** What stays of a job that went with its age: all that its costs and its receipts are read from. A job is one, too. */
export interface BillRecord
  extends Pick<
    JobRecord,
    'id' | 'owner' | 'createdAtMs' | 'created' | 'attempt' | 'durationSeconds' | 'state' | 'pastLeases' | 'origin'
  > {
  spec: Pick<PublicJobSpec, 'image' | 'labels' | 'stopGraceSeconds' | 'network' | 'maxNetwork'>
}

/** The lease that a job has, or had at its end; null while it is pending, and where it ended without one. */
export function leaseOf(job: Pick<JobRecord, 'state'>): Lease | null {
  return 'lease' in job.state ? job.state.lease : null
}

/** The lease of the current or an earlier attempt; null where no award with this fence was accepted. */
export function leaseWithFence(job: Pick<JobRecord, 'state' | 'pastLeases'>, fence: number): Lease | PastLease | null {
  const current = leaseOf(job)
  if (current?.fence === fence) return current
  return job.pastLeases.find((lease) => lease.fence === fence) ?? null
}

/** The lease that a pending job would go on with; null where there is none. */
export function lostLeaseOf({ state }: Pick<JobRecord, 'state'>): LostLease | null {
  return state.status === 'pending' ? (state.lost ?? null) : null
}
