import type { FailureDetails } from '../../protocol/failures.ts'
import type { JobSecrets, PublicJobSpec } from '../../protocol/job-spec.ts'
import type { Cause, JobEventType, JobStatus } from '../../protocol/lifecycle.ts'
import type { JobSort } from './indexes/fields.ts'
import type { BidRecord, JobEvent, JobRecord, JobState, LogRecord, MetricSample, TrackRecord } from './records.ts'
import type { Forgotten, Retention } from './retention.ts'

export { StoreUnavailableError } from './errors.ts'
export type { JobSort } from './indexes/fields.ts'
export type * from './records.ts'
export type { Forgotten, Retention } from './retention.ts'

/**
 * The jobs of this peer, in LevelDB: it alone decides over their state. Everything that changes a job goes through
 * {@link JobStore.change}, queued per job, and is written in one batch: record, indexes, events, logs.
 */
export interface JobStore {
  /**
   * Stores a new pending job with its `created` event. With an idempotency key seen in the last 24 h it answers the
   * first job.
   * @throws {IdempotencyConflictError} the same key with another body
   * @throws {StoreUnavailableError} where the disk is full, or nearly so
   */
  create(job: NewJob): Promise<{ job: JobRecord; repeated: boolean }>

  /**
   * The job that was first created with this key in the last 24 h.
   * @throws {IdempotencyConflictError} the same key with another body
   */
  firstWith(owner: string, idempotency: { key: string; digest: string }): Promise<JobRecord | undefined>

  get(id: string): Promise<JobRecord | undefined>

  /** @throws {JobNotFoundError}; what `change` throws aborts it, and nothing is written. */
  change<T>(id: string, change: (draft: JobDraft) => T): Promise<{ job: JobRecord; result: T }>

  /** A page of jobs, newest first; see {@link JobQuery}. */
  list(query: JobQuery): Promise<JobPage>

  /** Every job that is not terminal, oldest first. */
  active(): AsyncIterable<JobRecord>

  /** Events with `seq` > `after`, oldest first, at most `limit`. */
  events(id: string, after?: number, limit?: number): Promise<JobEvent[]>

  bids(id: string): Promise<BidRecord[]>

  /** Lines with number >= `from`, oldest first, about `limit` (whole batches are answered). */
  logs(id: string, from: number, limit: number): Promise<LogRecord[]>

  metrics(id: string, fromMs: number, toMs: number): Promise<MetricSample[]>

  secrets(id: string): Promise<JobSecrets>

  /** Calls back after something of the job was written. Readers read the store; the call only wakes them. Returns the way to stop. */
  onChange(id: string, callback: () => void): () => void

  /** Every event of every job, in the order of writing, with `position` > `after`. Positions are contiguous over restarts. */
  feed(after: number, limit: number): Promise<FeedEntry[]>
  /** Position of the newest entry; 0 when there is none. */
  feedEnd(): number
  onFeed(callback: () => void): () => void

  /** What was seen of each provider, by peer id. */
  trackRecords(): Promise<Map<string, TrackRecord>>
  /** Keeps what was seen of one; null forgets it. */
  keepTrackRecord(provider: string, record: TrackRecord | null): Promise<void>

  /** Removes output, samples and events that are older than they are to be kept; may be repeated, and cut off. */
  forgetOld(retention: Retention, signal: AbortSignal): Promise<Forgotten>

  /** Bytes that the store takes on the disk, about. */
  sizeBytes(): Promise<number>

  /** Why nothing can be written at the moment, for people; changes wait until it can. Null while it works. */
  problem(): string | null

  close(): Promise<void>
}

export interface NewJob {
  id?: string
  owner: string
  spec: PublicJobSpec
  secrets: JobSecrets
  origin?: Record<string, string>
  /** Whether it waits for its release. @default false */
  held?: boolean
  /** `digest` is of the body that came with the key. */
  idempotency?: { key: string; digest: string }
}

/** One change of one job. Reads see what the draft already did. */
export interface JobDraft {
  readonly job: Readonly<JobRecord>
  /** The wall clock of this change: the time of its events. */
  readonly nowMs: number
  /**
   * Moves the job along an edge of the lifecycle and records the event.
   * @throws {JobStateError} where the job is not in one of `expect`
   * @throws {IllegalTransitionError}
   */
  transition(move: { expect: JobStatus[]; to: JobState; by: Cause; event: JobEventType; data?: FailureDetails }): void
  /** Changes fields of the state without leaving its status. */
  refine<S extends JobStatus>(status: S, fields: Partial<Omit<Extract<JobState, { status: S }>, 'status'>>): void
  /** Changes fields beside the state. */
  patch(
    fields: Partial<
      Pick<
        JobRecord,
        'spec' | 'attempt' | 'fence' | 'durationSeconds' | 'cancelRequestedAtMs' | 'extension' | 'pastLeases' | 'output'
      >
    >,
  ): void
  event(type: JobEventType, data?: FailureDetails): void
  /** Lines of the current attempt, `firstLine` counted by its container; lines already stored are passed over. */
  logs(firstLine: number, lines: Omit<LogRecord, 'number' | 'attempt'>[]): void
  /** Its output is to be deleted; what comes later is kept. Answers the number of the newest line. */
  forgetLogs(): number
  metric(sample: MetricSample): void
  bid(bid: BidRecord): void
  /** Later lines belong to a new container, whose first is 1 again. */
  newLogOffset(): void
  /** Asks that this change survives a power cut. */
  durable(): void
}

export interface JobQuery {
  /** Absent: every owner's. */
  owner?: string
  /** Absent: every status. */
  statuses?: JobStatus[]
  /** Id of the assigned provider. */
  provider?: string
  /** The provider or network that was asked for. */
  askedProvider?: string
  /** Id of the batch it came from. */
  batch?: string
  /** Labels that it has, each with this value. */
  labels?: Record<string, string>
  /** Created at or after, ms. */
  fromMs?: number
  /** Created at or before, ms. */
  toMs?: number
  /** Looked at for each job that the indexes give; slow where few match. */
  where?: (job: JobRecord) => boolean
  /** @default "createdAt" */
  sort?: JobSort
  /** @default "desc" */
  order?: 'asc' | 'desc'
  /** `next` of the page before, of the same order; by creation that is the id of its last job. */
  after?: string
  /** Jobs to pass over; prefer `after`. */
  offset?: number
  limit: number
}

export interface JobPage {
  jobs: JobRecord[]
  /**
   * Of all that match. From counters, but where there is `where`, several of the providers, batch and labels, or one of them
   * with a time: then at most the next 10,000 jobs are looked at.
   */
  total: number
  /** Whether `total` is that of all; else there are more. */
  isExact: boolean
  hasMore: boolean
  /** Where the next page begins; null where this one is empty. */
  next: string | null
}

export interface FeedEntry {
  position: number
  jobId: string
  owner: string
  event: JobEvent
}

export class JobNotFoundError extends Error {
  override readonly name = 'JobNotFoundError'
  readonly code = 'JOB_NOT_FOUND'
  constructor(id: string) {
    super(`There is no job ${id}`)
  }
}

/** The job is not in a state that allows this. */
export class JobStateError extends Error {
  override readonly name = 'JobStateError'
  readonly code = 'JOB_STATE_CONFLICT'
  readonly details: { status: JobStatus; expected: string }
  constructor(status: JobStatus, expected: JobStatus[]) {
    super(`The job is ${status}; this needs one that is ${expected.join(' or ')}`)
    this.details = { status, expected: expected.join(',') }
  }
}

export class IdempotencyConflictError extends Error {
  override readonly name = 'IdempotencyConflictError'
  readonly code = 'IDEMPOTENCY_CONFLICT'
  constructor() {
    super('This Idempotency-Key was used with another body: use a new key, or send the same body')
  }
}
