import type { JobSpec } from '../../protocol/job-spec.ts'
import type { VolumeRefusal } from '../../protocol/volume-messages.ts'
import type { JobFiles } from '../reach/index.ts'
import type { AwardInFlight, JobRecord, VolumeReceiptRecord, VolumeRecord } from '../store/index.ts'
import type { VolumeCost } from './volume-account.ts'

/** Volumes that outlive their jobs: each lies at one provider, and belongs to the owner of the job that left it. */
export interface Volumes {
  /** Newest first. @param owner absent: everybody's */
  list(owner?: string): VolumeRecord[]
  /** As it was heard of last. */
  get(id: string): VolumeRecord | undefined
  /** The same, once its provider was asked, where that answers within some seconds. */
  look(id: string): Promise<VolumeRecord | undefined>
  /** The jobs that have each of them, oldest first, by the volume's id; what nobody has is not among them. */
  users(records: readonly VolumeRecord[]): Promise<ReadonlyMap<string, readonly string[]>>
  /** The spec with the provider at which the volumes lie that it takes up. @throws {VolumeError} where it cannot be */
  place(owner: string, spec: JobSpec): JobSpec
  /** A provider has taken the job: it keeps what that leaves, and the job has what it takes up. */
  note(
    job: Pick<JobRecord, 'id' | 'owner' | 'spec'>,
    at: Pick<AwardInFlight, 'provider' | 'addresses' | 'fence' | 'volumePerGbHour'>,
  ): Promise<void>
  /** What it costs beside its jobs, by this peer's clock. */
  costOf(record: VolumeRecord): VolumeCost
  /** What both sides have signed of it, the first one first; absent: of every volume. */
  receipts(id?: string): AsyncIterable<VolumeReceiptRecord>
  /** What is in it, whether a job has it or not; paths are within the volume. @throws {VolumeError} {@link ReachError} */
  readonly files: VolumeFiles
  /** From now on it is kept so long after its last use. @throws {VolumeError} */
  extend(id: string, keepSeconds: number): Promise<VolumeRecord>
  /** Has it removed: at once, or once its provider is back. @throws {VolumeError} where a job has it */
  delete(id: string): Promise<VolumeRecord>
}

export type { VolumeCost } from './volume-account.ts'

/** Files of volumes, each by the volume's id; as those of a running job's container, but for removing. */
export type VolumeFiles = Pick<JobFiles, 'look' | 'read' | 'write'>

/** Volumes in the hands of the node that starts and stops them. */
export interface RunningVolumes extends Volumes {
  start(): Promise<void>
  stop(): Promise<void>
}

/** `UNREACHABLE`: its provider does not answer. `ELSEWHERE`: the job asks for another provider than it lies at. */
export type VolumeProblem = VolumeRefusal | 'UNREACHABLE' | 'ELSEWHERE'

/** What cannot be done with a volume; one that is somebody else's is as unknown as one that never was. */
export class VolumeError extends Error {
  override readonly name = 'VolumeError'
  readonly code: VolumeProblem
  /** Of the job's volumes which, where it is about a job. */
  readonly index: number | null

  constructor(code: VolumeProblem, message: string, options: ErrorOptions & { index?: number } = {}) {
    super(message, options)
    this.code = code
    this.index = options.index ?? null
  }
}
