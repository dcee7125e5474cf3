/** What a running agent says of itself to its owner. */

import type { Measured } from '../protocol/measured.ts'
import { type Prices, type Terms, termsOf } from '../protocol/money.ts'
import type { Resources } from '../protocol/units.ts'
import type { Capacity } from './capacity/open-capacity.ts'
import type { Gpu, UnsoldCard } from './gpus/gpu.ts'
import type { Health } from './health.ts'
import type { ProvedWall } from './isolation/proofs.ts'
import type { Journal } from './journal/journal.ts'
import type { Outcome } from './journal/records.ts'
import type { Leases } from './lease/leases.ts'
import type { Selling } from './selling.ts'

/** One moment of a running agent, taken anew each time that it is asked for; `stateView` makes JSON of it. */
export interface AgentStatus {
  peerId: string
  /** Why no jobs are taken; null while they are. */
  paused: string | null
  /** Why the last announcement could not be made or broadcast; null where it was. */
  announceProblem: string | null
  /** Whether that is because the owner said so. */
  draining: boolean
  /** All that is sold. */
  total: Resources
  /** What nobody holds of that. */
  free: Resources
  /** Those that are sold. */
  gpus: readonly Gpu[]
  /** GPUs and cards of the machine that are not sold, each with why. */
  unsoldGpus: readonly UnsoldCard[]
  /** Classes of isolation, the default first, each with why it is not sold. */
  isolations: readonly ProvedWall[]
  /** What the machine does in a second; null where it was not measured. */
  measured: Measured | null
  /** As posted now. */
  prices: Prices
  capabilities: string[]
  /** Whole seconds since this agent was started. */
  uptimeSeconds: number
  /** Jobs since the data folder was made. */
  completed: number
  /** Those since then that ended badly; what was cancelled is in neither number. */
  failed: number
  /** Awards refused since the start, by code. */
  refusedAwards: Record<string, number>
  /** Those that are not settled: their requesters have not taken the last report yet. */
  leases: LeaseStatus[]
}

/** One lease as its provider sees it; prices are those that were agreed on. */
export interface LeaseStatus extends Terms {
  jobId: string
  /** Number of the attempt. */
  fence: number
  /** Peer id. */
  requester: string
  image: string
  resources: Resources
  /** Ms since the epoch; so is the start. */
  acceptedAtMs: number
  /** Null before the container runs. */
  startedAtMs: number | null
  /** What may be billed so far, in ms. */
  meteredMs: number
  /** Bytes that may be billed so far. */
  networkBytes: number
  /** Null while it lives. */
  outcome: Outcome | null
  /** Bytes that its requester has not taken yet. */
  unsentBytes: number
}

/** What {@link statusOf} looks at. */
export interface StatusComponents {
  peerId: string
  capacity: Pick<Capacity, 'book' | 'measuring'>
  journal: Pick<Journal, 'bytes' | 'counts'>
  leases: Pick<Leases, 'list'>
  paused: Health['paused']
  selling: Pick<Selling, 'announcer' | 'refusedAwards'>
}

/** How it stands now. */
export function statusOf(
  { peerId, capacity, journal, leases, paused, selling }: StatusComponents,
  now: Pick<AgentStatus, 'isolations' | 'measured' | 'prices' | 'capabilities' | 'uptimeSeconds'>,
): AgentStatus {
  const { book, measuring } = capacity
  const why = paused()
  const listed = leases.list().map(({ id, record, progress, billableMs, traffic }): LeaseStatus => {
    const { jobId, fence, requester, resources, acceptedAtMs } = record
    const terms = { image: record.job.image, ...termsOf(record) }
    return {
      ...{ jobId, fence, requester, resources, ...terms, acceptedAtMs, startedAtMs: progress.startedAtMs },
      ...{
        meteredMs: billableMs,
        networkBytes: traffic.billableBytes,
        outcome: progress.ended?.outcome ?? null,
        unsentBytes: journal.bytes(id),
      },
    }
  })
  return {
    ...{ peerId, paused: why?.message ?? null, draining: why?.code === 'DRAINING' },
    announceProblem: selling.announcer.problem(),
    ...{ total: book.total, free: book.free(), gpus: measuring.gpus(), unsoldGpus: measuring.unsold(), ...now },
    ...{ ...journal.counts(), refusedAwards: selling.refusedAwards(), leases: listed },
  }
}
