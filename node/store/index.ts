import type { FailureDetails } from '../../protocol/failures.ts'
import type { JobSecrets, PublicJobSpec } from '../../protocol/job-spec.ts'
import type { Cause, JobEventType, JobStatus } from '../../protocol/lifecycle.ts'
import type { NanoUsd } from '../../protocol/money.ts'
import type { ResolvedImage } from '../../protocol/platforms.ts'
import type { Dump } from './dump.ts'
import type { JobSort } from './indexes/fields.ts'
import type {
  BidRecord,
  BillRecord,
  JobEvent,
  JobRecord,
  JobState,
  LogRecord,
  MetricSample,
  SpeedRecord,
  StartRecord,
  TrackRecord,
} from './records.ts'
import type { VolumeCharge, VolumeReceiptRecord, VolumeRecord } from './volume-records.ts'

export { StoreUnavailableError } from './errors.ts'
export { JOB_SORTS, type JobSort } from './indexes/fields.ts'
export type * from './records.ts'
export type * from './volume-records.ts'

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
  /** Looks at each of those that are there, in this order, and holds none of them. */
  look(ids: string[], look: (job: JobRecord) => void): Promise<void>

  /** @throws {JobNotFoundError}; what `change` throws aborts it, and nothing is written. */
  change<T>(id: string, change: (draft: JobDraft) => T): Promise<{ job: JobRecord; result: T }>

  /** A page of jobs, newest first; see {@link JobQuery}. */
  list(query: JobQuery): Promise<JobPage>
  /** The same without the jobs, of which a page may be large. */
  listIds(query: JobQuery): Promise<JobIdsPage>

  /**
   * What an owner's jobs cost so far at the provider that they have or had last, and what is signed of its volumes there; absent:
   * every owner's. Kept as a running sum.
   */
  costAt(provider: string, owner?: string): Promise<NanoUsd>

  /** Every job that is not terminal, oldest first. */
  active(): AsyncIterable<JobRecord>

  /** Events with `seq` > `after`, oldest first, at most `limit`. */
  events(id: string, after?: number, limit?: number): Promise<JobEvent[]>

  bids(id: string): Promise<BidRecord[]>
  /** The same, one after the other. */
  eachBid(id: string): AsyncIterable<BidRecord>

  /** Lines with number >= `from`, oldest first, about `limit` of them or {@link MAX_LOG_BATCH_BYTES} (whole batches are answered). */
  logs(id: string, from: number, limit: number): Promise<LogRecord[]>
  /** Number of the first of the newest lines that are together at most so many and so large; that of the next line where there are none. */
  logStart(id: string, most: { lines: number; bytes: number }): Promise<number>

  /** Oldest first, at most `limit`. */
  metrics(id: string, fromMs: number, toMs: number, limit?: number): Promise<MetricSample[]>
  /** All of them, one after the other. */
  eachMetric(id: string, fromMs: number, toMs: number): AsyncIterable<MetricSample>

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

  /** What jobs measured of each provider's machine, by peer id and owner. */
  speeds(): Promise<Map<string, SpeedRecord>>
  /** Keeps it of one; null forgets it. */
  keepSpeed(key: string, record: SpeedRecord | null): Promise<void>

  /** How late jobs began at each provider, by peer id and owner. */
  starts(): Promise<Map<string, StartRecord>>
  /** Keeps it of one; null forgets it. */
  keepStart(key: string, record: StartRecord | null): Promise<void>

  /** Volumes that outlive their jobs, by id. */
  volumes(): Promise<Map<string, VolumeRecord>>
  /** Keeps it of one; null forgets it, but for its receipts. @param receipt of it that both sides have signed now */
  keepVolume(id: string, record: VolumeRecord | null, receipt?: VolumeReceiptRecord): Promise<void>
  /** What both sides signed of a volume, the first one first; absent: of every volume. */
  volumeReceipts(id?: string): AsyncIterable<VolumeReceiptRecord>

  /** What was signed for volumes in a time, ms, its ends included; oldest first. @param range.owner undefined: everybody's */
  volumeCosts(range: { owner: string | undefined; fromMs: number; toMs: number }): AsyncIterable<VolumeCharge>

  /** Since when each provider is known, by peer id: wall clock in ms. */
  firstSeen(): Promise<Map<string, number>>
  /** Keeps it of one; null forgets it. */
  keepFirstSeen(provider: string, atMs: number | null): Promise<void>

  /**
   * Removes jobs that ended longer ago than they are to be kept, with all that is theirs but their bill; may be repeated, and
   * cut off. Answers how many.
   */
  forgetJobs(init: ForgetJobsInit, signal: AbortSignal): Promise<number>
  /** What stays of a job that went so. */
  bill(id: string): Promise<BillRecord | undefined>
  /**
   * Those of jobs that were created at or after the one and at or before the other time, ms; oldest first.
   *
   * @param part.owner whose @default everybody's
   * @param part.after of later ids than this alone @param part.upTo of ids up to this one
   */
  eachBill(
    fromMs: number,
    toMs: number,
    part?: { owner?: string | undefined; after?: string | undefined; upTo?: string | undefined },
  ): AsyncIterable<BillRecord>

  /** Removes output, samples and events that are older than they are to be kept; may be repeated, and cut off. */
  forgetOld(retention: Retention, signal: AbortSignal): Promise<Forgotten>

  /** Bytes that the store takes on the disk, about. */
  sizeBytes(): Promise<number>

  /** All records as of this moment, without what is made anew from them. */
  dump(): Dump

  /** The moment that the backup is of which the store was restored from last, in ms since the epoch; null where it was not. */
  readonly restoredFromMs: number | null

  /** Why nothing can be written at the moment, for people; changes wait until it can. Null while it works. */
  problem(): string | null

  close(): Promise<void>
}

/** A job as {@link JobStore.create} takes it. */
export interface NewJob {
  /** Where the caller has to know it before. @default a new one */
  id?: string
  owner: string
  spec: PublicJobSpec
  secrets: JobSecrets
  /** As in {@link JobRecord}. @default {} */
  origin?: Record<string, string>
  /** Whether it waits for its release. @default false */
  held?: boolean
  /** As in {@link JobRecord}. @default not known yet */
  image?: ResolvedImage
  /** `digest` is of the body that came with the key. */
  idempotency?: { key: string; digest: string }
}

/** One change of one job. Reads see what the draft already did. */
export interface JobDraft {
  readonly job: Readonly<JobRecord>
  /** The job's own time, ms since the epoch, see `job-now.ts`: the time of its events. */
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
        | 'spec'
        | 'inputs'
        | 'sentImage'
        | 'attempt'
        | 'fence'
        | 'durationSeconds'
        | 'cancelRequestedAtMs'
        | 'extension'
        | 'pastLeases'
        | 'output'
        | 'logProblem'
        | 'image'
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
  /** Later lines belong to an earlier container again. @param offset as in {@link LogExtent} */
  continueLogs(offset: number): void
  /** Asks that this change survives a power cut. */
  durable(): void
}

/** Which jobs, in which order, and which page of them. */
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
  /** Of the jobs of a batch that match, only the first one in this order is a row. @default false */
  fold?: boolean
  /** How many jobs are looked at for one page where indexes do not answer; of folded ones ten times as many. @default all */
  lookAt?: number
  /** @default "createdAt" */
  sort?: JobSort
  /** @default "desc" */
  order?: 'asc' | 'desc'
  /** `next` of the page before, of the same order; by creation that is the id of its last job. */
  after?: string
  /** Jobs to pass over; prefer `after`. */
  offset?: number
  /** Jobs of a page, at most. */
  limit: number
}

/** A page with the jobs themselves. */
export interface JobPage extends Omit<JobIdsPage, 'ids'> {
  jobs: JobRecord[]
}

/** A page of a list, and how much more of it there is. */
export interface JobIdsPage {
  ids: string[]
  /**
   * Of all that match, also where they are folded. From counters, but where there is `where`, several of the providers, batch and labels, or one of them
   * with a time: then at most the next 10,000 jobs are looked at.
   */
  total: number
  /** Whether `total` is that of all; else there are more. */
  isExact: boolean
  hasMore: boolean
  /** Where the next page begins; null where this one is empty. */
  next: string | null
  /** How many jobs were looked at, where that was not enough to fill the page or to know that there are no more. */
  searched: number | null
}

/** An event of any job in the feed of all; see {@link JobStore.feed}. */
export interface FeedEntry {
  /** 1 for the first, and one more for each that was written later. */
  position: number
  jobId: string
  owner: string
  event: JobEvent
}

/** Which jobs go, and which stay for all that. */
export interface ForgetJobsInit {
  /** Jobs that ended at least so long ago, in ms. */
  keepMs: number
  /** Whether something else still needs the job, such as its output. */
  isNeeded(job: JobRecord): Promise<boolean>
  /** Called before one goes, for what is kept of it elsewhere; may be called again. */
  before(job: JobRecord): Promise<void>
}

/** How long what is written of a job is kept after its end, in ms; null is for ever. */
export interface Retention {
  /** The job itself, and with it the rest; its bill stays. @default null */
  jobsMs?: number | null
  /** Its output. */
  logsMs: number | null
  /** Its samples of use; those of a job that still runs are kept as long. */
  metricsMs: number | null
  /** Its events, and theirs in the feed of all jobs. */
  eventsMs: number | null
}

/** What a pass has removed. */
export interface Forgotten {
  /** Jobs that lost their output, their samples or their events. */
  jobs: number
  /** Entries of the feed. */
  feed: number
  /** Idempotency keys whose day is over. */
  keys: number
}

/** No job has this id; the message names it. */
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

/** An owner used one key for two bodies within 24 h: the second is not stored. */
export class IdempotencyConflictError extends Error {
  override readonly name = 'IdempotencyConflictError'
  readonly code = 'IDEMPOTENCY_CONFLICT'
  constructor() {
    super('This Idempotency-Key was used with another body: use a new key, or send the same body')
  }
}
