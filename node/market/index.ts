import type { Failure } from '../../protocol/failures.ts'
import type { JobSpec } from '../../protocol/job-spec.ts'
import type { ResolvedImage } from '../../protocol/platforms.ts'
import type { Remedy } from '../../protocol/remedies.ts'
import type { JobRecord, SpeedRecord } from '../store/index.ts'
import type { GpuView } from '../views/gpu-view.ts'
import type { MarketEvent } from './tally.ts'

export type { FollowerTimes } from './leases/lease-follower.ts'

/** The requester's side of the market: the only authority over its jobs' states. */
export interface Requester {
  /** Stores the job and starts looking for a provider. */
  submit(job: SubmitJob): Promise<{ job: JobRecord; repeated: boolean }>

  /**
   * Starts looking for a provider for a job that was held; its `queueTimeout` counts from here. Of one that is not held
   * any more it only answers the record.
   * @throws {JobNotFoundError}
   */
  release(id: string): Promise<JobRecord>

  /**
   * Asks for the job's end and returns at once; the job is cancelled when its provider has stopped it, or is lost.
   * @throws {JobNotFoundError} @throws {JobStateError} where it is terminal
   */
  cancel(id: string): Promise<JobRecord>

  /**
   * Asks the job's provider for more time.
   * @param additionalSeconds 1..2_592_000
   * @throws {JobNotFoundError} @throws {JobStateError} where it is terminal @throws {ExtensionRefusedError} where the provider says no or nothing
   */
  extend(id: string, additionalSeconds: number): Promise<JobRecord>

  /** Asks the network who would take the job now and at what price, and takes nobody. @param owner whose job it would be */
  quote(spec: JobSpec, owner: string): Promise<Quoted>

  /** Why nobody has taken a pending job yet, and until when somebody may; null where no provider is looked for. */
  waiting(job: Pick<JobRecord, 'id' | 'spec' | 'image'>): Waiting | null

  /** Asks the network again at once for a pending job that was changed; its `queueTimeout` counts from here. */
  askAgain(job: Pick<JobRecord, 'id' | 'state'>): void

  /**
   * What the registry of a job's image says of it, for jobs that are to run the same bytes; null where it says nothing
   * within two seconds.
   */
  resolveImage(spec: Pick<JobSpec, 'image' | 'registryCredentials'>): Promise<ResolvedImage | null>

  /** What jobs of this owner measured of a provider's machine; null where none did. */
  seen(provider: string, owner: string): SpeedRecord | null

  /** What the adaptive window, rounds and leases are doing now, for `/metrics`. */
  counters(): Record<string, number>

  /** What became of questions, bids and awards since the start. */
  tally(): Record<MarketEvent, number>
}

/** A job as {@link Requester.submit} takes it. */
export interface SubmitJob {
  /** A new id of the caller's own making, so that the job can be named before it is there. @default a new one */
  id?: string
  /** Whose it is: a key's owner at a gateway, `local` at a client node. */
  owner: string
  spec: JobSpec
  /** Where it came from, by `resubmittedFrom`, `batch`, `schedule` or `template`. @default {} */
  origin?: Record<string, string>
  /** Stores it and leaves it pending until {@link Requester.release}, also over restarts. @default false */
  hold?: boolean
  /** As {@link Requester.resolveImage} answered. @default asked before a provider is looked for */
  image?: ResolvedImage
  /** A key that makes one job of its owner in 24 h; `digest` is of the body that came with it. */
  idempotency?: { key: string; digest: string }
}

/** What the market says to a job that nobody is given. */
export interface Quoted {
  /** The bids from the best on, then those that would be passed over, who declined, and who has not answered. */
  quotes: Quote[]
  /** Who came nearest, and what was lacking, as the job would fail by it; null where somebody would take it. */
  nearest: Failure | null
  /** Changes with which somebody would take it, each by itself; none where somebody would as it is. */
  helps: Remedy[]
}

/** A job that is to be taken yet. */
export interface Waiting {
  /** Until it fails, in ms. */
  leftMs: number
  /** How many said something when they were asked last; 0 before. */
  answered: number
  /** As {@link Quoted.nearest}, of the last time that everybody was asked; null before. */
  nearest: Failure | null
}

/** One provider's answer to a dry run. */
export interface Quote {
  provider: string
  name: string
  /** Nano-dollars per hour; null where it declined. */
  pricePerHour: bigint | null
  /** Nano-dollars at least; null where it declined. */
  minimumCharge: bigint | null
  /** Nano-dollars for each GB that the job sends or receives; null where it declined. */
  pricePerGb: bigint | null
  /** Nano-dollars for each GB of the volumes that it would leave and hour in which no job has them; null where it declines. */
  volumePerGbHour: bigint | null
  /** Which GPUs the job would have; null where it has none, or nobody said. */
  gpu: GpuView | null
  /** As what the image would run, such as `linux/amd64`; null where it declined, or did not say. */
  platform: string | null
  /** Whether that is by emulation. */
  emulated: boolean
  /** Which walls the job would have around it, one of `ISOLATIONS`; null where it declined, or did not say. */
  isolation: string | null
  /** What of the job's bytes is missing there; null where it declined, did not say, or none are needed. */
  missingBytes: number | null
  /** How long the job would wait for them, in ms; null where nothing has to come, or it declined. */
  waitMs: number | null
  /** 0..1, higher is better; null where it declined. */
  score: number | null
  /** Why it would, or would not. */
  reason: string
}

/** The provider does not extend this job. */
export class ExtensionRefusedError extends Error {
  override readonly name = 'ExtensionRefusedError'
  readonly code = 'PROVIDER_CONFLICT'
}
