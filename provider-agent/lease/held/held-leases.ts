import type { LeaseRecord } from '../../journal/records.ts'
import type { Lease } from '../lease.ts'

/** A lease, and the work on its container. */
export interface Held {
  lease: Lease
  /** Resolves when its container is gone. */
  done: Promise<void>
}

/** The leases that are not settled. */
export interface HeldLeases {
  get(id: string): Lease | undefined
  all(): Held[]
  /** The attempts of one job. */
  ofJob(job: Pick<LeaseRecord, 'requester' | 'jobId'>): Held[]
  /** @param done resolves when its container is gone */
  put(lease: Lease, done: Promise<void>): void
  drop(id: string): void
}

/** None at first; in memory. */
export function createHeldLeases(): HeldLeases {
  const held = new Map<string, Held>()
  const all = (): Held[] => [...held.values()]
  return {
    get: (id) => held.get(id)?.lease,
    all,
    ofJob: ({ requester, jobId }) =>
      all().filter(({ lease: { record } }) => record.requester === requester && record.jobId === jobId),
    put: (lease, done) => void held.set(lease.id, { lease, done }),
    drop: (id) => void held.delete(id),
  }
}
