/**
 * What the store keeps of a job. Times are ms since the epoch; money is decimal text of whole nano-dollars, because
 * JSON has no `bigint`.
 */

import type { EndpointState } from '../../protocol/endpoints.ts'
import type { Failure, FailureDetails } from '../../protocol/failures.ts'
import type { PublicJobSpec } from '../../protocol/job-spec.ts'
import type { JobEventType } from '../../protocol/lifecycle.ts'
import type { Moment } from '../moment.ts'
import type { JobOutput } from '../outputs/index.ts'

export interface JobRecord {
  id: string
  /** Whose it is: a key's owner at a gateway, `local` at a client node. */
  owner: string
  createdAtMs: number
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
  /** What became of its outputs; absent where it names none, or has not ended. */
  output?: JobOutput
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
  fence: number
  /** Hex. */
  requestId: string
  bidId: string
  requirementsDigest: string
  pricePerHour: string
  /** Nano-dollars at least; absent in records of versions that knew none. */
  minimumCharge?: string
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
  /** How long the container has run, in ms, by the provider's monotonic clock. */
  meteredMs: number
  lastContactMs: number
  imageDigest: string | null
  /** How its ports do, as the provider told last; absent where it did not. */
  endpoints?: EndpointState[]
  /** Whether the provider's last report is stored: nothing of this lease is still to come. */
  settled: boolean
  /** Base64 of the Receipt's statement, signed by the provider and by the requester. */
  receipt: { provider: string; requester: string } | null
}

export interface PastLease {
  attempt: number
  fence: number
  provider: string
  pricePerHour: string
  /** Nano-dollars at least; absent in records of versions that knew none. */
  minimumCharge?: string
  meteredMs: number
  outcome: 'lost' | 'refused' | 'failed'
  /** As in {@link Lease}: a provider that missed the last acknowledgement asks for it again. */
  lastReport: number
  settled: boolean
  receipt: Lease['receipt']
}

export interface LogExtent {
  /** Lines stored so far over all attempts; also the number of the newest. */
  lines: number
  bytes: number
  /** Number of the oldest line that is still kept. */
  first: number
  /** Lines that attempts before the current one have written: its line N is number `offset` + N. */
  offset: number
}

export interface JobEvent {
  /** 1 for the first. */
  seq: number
  type: JobEventType
  timestampMs: number
  data: FailureDetails
}

/** What was seen of a provider: how often it kept its word and broke it, each weighed as it counted at `atMs`. */
export interface TrackRecord {
  honoured: number
  broken: number
  /** By the wall clock. */
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
  /** Higher is better; null for a decline. */
  score: number | null
  /** Why it was chosen, passed over or declined. */
  reason: string
}

export interface LogRecord {
  number: number
  attempt: number
  timestampMs: number
  stream: 'stdout' | 'stderr'
  line: string
  /** Goes on in the next line. */
  partial: boolean
}

export interface MetricSample {
  timestampMs: number
  cpuMillis: number
  memoryBytes: number
  rxBytes: number
  txBytes: number
  storageBytes: number | null
}

export function leaseOf(job: JobRecord): Lease | null {
  return 'lease' in job.state ? job.state.lease : null
}

/** The lease of the current or an earlier attempt; null where no award with this fence was accepted. */
export function leaseWithFence(job: JobRecord, fence: number): Lease | PastLease | null {
  const current = leaseOf(job)
  if (current?.fence === fence) return current
  return job.pastLeases.find((lease) => lease.fence === fence) ?? null
}
