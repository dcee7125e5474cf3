import type { Clock } from '../clock.ts'
import { timeSince } from '../moment.ts'
import type { BillRecord } from './records.ts'

/**
 * The job's own time, ms since the epoch: the wall clock at its creation, and what went by since. A wall clock that is set
 * back or forward while the job lives changes none of its spans; after a reboot it goes by the wall clock again.
 */
export function jobNow(clock: Clock, { created }: Pick<BillRecord, 'created'>): number {
  return created === undefined ? clock.nowMs() : timeSince(clock, created)
}
