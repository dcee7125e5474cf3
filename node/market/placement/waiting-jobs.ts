import { isDeepStrictEqual } from 'node:util'
import type { Failure } from '../../../protocol/failures.ts'
import type { Clock } from '../../clock.ts'
import type { Directory } from '../../directory/index.ts'
import type { JobRecord } from '../../store/index.ts'
import type { ClocksOff } from '../bids/clocks-off.ts'
import { nearestFailure } from '../bids/nearest-miss.ts'
import type { Waiting } from '../index.ts'
import type { RoundResult } from './round.ts'

/** What is known of a job while a provider is looked for. */
interface Wait {
  /** When it is given up, on the monotonic clock. */
  givesUpMs: number
  /** What was said when everybody was asked last; null before. */
  answers: RoundResult | null
}

/** How long what was worked out of who comes nearest holds, in ms: it reads the whole directory, for each job in each list. */
const NEAREST_HOLDS_MS = 2_000

/** Who came nearest, as it was worked out last. */
interface Nearest {
  spec: JobRecord['spec']
  atMs: number
  failure: Failure
}

/** Jobs for which a provider is looked for now. In memory alone: after a restart all of them are asked for anew. */
export interface WaitingJobs {
  note(jobId: string, wait: Wait): void
  forget(jobId: string): void
  /** Null where nobody is looked for. */
  of(job: Pick<JobRecord, 'id' | 'spec' | 'image'>): Waiting | null
}

/** What {@link createWaitingJobs} works with. */
export interface WaitingJobsComponents {
  directory: Pick<Directory, 'list'>
  clocksOff: Pick<ClocksOff, 'told'>
  clock: Pick<Clock, 'monotonicMs'>
}

/** Knows of no job to begin with. */
export function createWaitingJobs(components: WaitingJobsComponents): WaitingJobs {
  const { clock } = components
  const waits = new Map<string, Wait>()
  /** Goes with what was noted of the job. */
  const known = new WeakMap<Wait, Nearest>()

  function nearestOf(job: Pick<JobRecord, 'spec' | 'image'>, wait: Wait, answers: RoundResult): Failure {
    const before = known.get(wait)
    const nowMs = clock.monotonicMs()
    if (before !== undefined && isDeepStrictEqual(before.spec, job.spec) && nowMs - before.atMs < NEAREST_HOLDS_MS)
      return before.failure
    const found = nearestFailure(components, job, answers)
    known.set(wait, { spec: job.spec, atMs: nowMs, failure: found })
    return found
  }

  return {
    note: (jobId, wait) => void waits.set(jobId, wait),
    forget: (jobId) => void waits.delete(jobId),
    of(job) {
      const wait = waits.get(job.id)
      if (wait === undefined) return null
      const { givesUpMs, answers } = wait
      const leftMs = Math.max(0, givesUpMs - clock.monotonicMs())
      if (answers === null) return { leftMs, answered: 0, nearest: null }
      const answered = answers.offers.length + answers.declines.length
      return { leftMs, answered, nearest: nearestOf(job, wait, answers) }
    },
  }
}
