import type { LeaseRecord } from '../../journal/records.ts'
import type { WrittenProgress } from './written-progress.ts'

/** What went over the network of a lease's container, in bytes, as far as it was counted. */
export interface TrafficCount {
  /** All of it. */
  readonly bytes: number
  /** Of that what may be billed: no more than the job may send and receive. */
  readonly billableBytes: number
  /** So many, both ways together, have gone over the network since that was made. */
  saw(totalBytes: number): void
}

/** Kept with the progress of the lease. */
export function createTrafficCount(
  progress: Pick<WrittenProgress, 'now' | 'sawTraffic'>,
  { job }: Pick<LeaseRecord, 'job'>,
): TrafficCount {
  return {
    get bytes() {
      return progress.now.networkBytes ?? 0
    },
    get billableBytes() {
      return Math.min(progress.now.networkBytes ?? 0, job.maxNetworkBytes ?? 0)
    },
    saw: progress.sawTraffic,
  }
}
