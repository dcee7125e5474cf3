import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Clock } from '../../../node/clock.ts'
import type { Moment } from '../../../node/moment.ts'
import { encode } from '../../../protocol/codec.ts'
import { LeaseMessageSchema, type ReportSchema } from '../../../protocol/gen/cortex/v1/market_pb.js'
import { mostSeconds } from '../../../protocol/money.ts'
import type { Journal } from '../../journal/journal.ts'
import { type LeaseProgress, type LeaseRecord, leaseId } from '../../journal/records.ts'
import type { NewReport } from '../../journal/reports.ts'
import type { Meter } from '../meter.ts'

/** What one report says, by its kind. */
export type ReportContent = NonNullable<MessageInitShape<typeof ReportSchema>['content']>

/** The state of a lease, which changes in one synchronous step and is written in the order of the changes. */
export interface WrittenProgress {
  readonly now: LeaseProgress
  /** Of what was metered, what may be billed, in ms: no more than the duration, and the grace where that was used. */
  billable(meteredMs: number): number
  /** Changes it, and reports something in the same write where there is something; resolves when it is on disk. */
  write(content: ReportContent | null, changes: Partial<LeaseProgress>): Promise<void>
  /** The requester spoke; written with the next change. */
  heard(at: Moment): void
  /** Nothing before is claimed; written with the next change. */
  claimFrom(at: Moment): void
  /** So many bytes have gone over its network since that was made; written with the next change. */
  sawTraffic(totalBytes: number): void
  /** Resolves after the next report is written, or `wake`. */
  nextChange(): Promise<void>
  wake(): void
}

/** What the engine may take to stop a container that heeds its signal, in ms: nobody's to pay. */
const STOPPING_MS = 1_000

/** @param first as the journal has it */
export function createWrittenProgress(
  { journal, clock, meter }: { journal: Pick<Journal, 'save'>; clock: Clock; meter: Meter },
  record: LeaseRecord,
  first: LeaseProgress,
): WrittenProgress {
  const id = leaseId(record.jobId, record.fence)
  const { stopGraceSeconds } = record.job
  let now = first
  let change = Promise.withResolvers<void>()

  function wake(): void {
    const before = change
    change = Promise.withResolvers<void>()
    before.resolve()
  }

  function billable(ms: number): number {
    const { durationSeconds } = now
    if (ms <= durationSeconds * 1000 + STOPPING_MS) return Math.min(ms, durationSeconds * 1000)
    return Math.min(ms, mostSeconds({ durationSeconds, stopGraceSeconds }) * 1000)
  }

  return {
    get now() {
      return now
    },
    billable,
    async write(content, changes) {
      const lastSequence = now.lastSequence + (content === null ? 0 : 1)
      now = { ...now, meteredMs: billable(meter.sure()), ...changes, lastSequence }
      if (content === null) return await journal.save(id, now)
      const message = encode(LeaseMessageSchema, {
        content: {
          case: 'report',
          value: { sequence: BigInt(lastSequence), timestampMs: BigInt(clock.nowMs()), content },
        },
      })
      await journal.save(id, now, { sequence: lastSequence, message, ...figuresOf(content) })
      wake()
    },
    heard(at) {
      now = { ...now, lastContact: at }
    },
    claimFrom(at) {
      now = { ...now, claimFrom: at }
    },
    sawTraffic(total) {
      // One whose start an earlier process of this agent did not write down is counted from here on.
      const networkFrom = now.networkFrom ?? total
      now = { ...now, networkFrom, networkBytes: Math.max(now.networkBytes ?? 0, total - networkFrom) }
    },
    nextChange: () => change.promise,
    wake,
  }
}

/** What the journal may do with a report where it has no room. */
function figuresOf(content: ReportContent): Pick<NewReport, 'kind' | 'lastLine' | 'lines'> {
  switch (content.case) {
    case 'logs': {
      const lines = content.value.lines?.length ?? 0
      return { kind: 'lines', lastLine: Number(content.value.firstLine ?? 0) + lines - 1, lines }
    }
    case 'stats':
    case 'pulling':
    case 'transferring':
      return { kind: 'sample' }
    default:
      return { kind: 'state' }
  }
}
