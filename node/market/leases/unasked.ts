/** What only the requester may cause: a provider that reports it unasked is not believed, and has broken its word. */

import { type Failure, failure } from '../../../protocol/failures.ts'
import type { Report } from '../../../protocol/gen/cortex/v1/market_pb.js'
import { MAX_DURATION_SECONDS } from '../../../protocol/limits.ts'
import type { JobDraft, JobRecord } from '../../store/index.ts'
import type { Received } from './received.ts'

/** What a provider did that it may not, in words that cross no wire. */
export type Breach = 'extended-unasked' | 'cancelled-unasked' | 'expired-early'

/** How much sooner than its duration after its award a container may be said to have reached it, in ms. */
const EARLY_MS = 2_000

/** Whether a report tells of what its provider may not cause; null where it may. */
export function breachOf(
  job: Readonly<JobRecord>,
  { content }: Report,
  { sinceAwardMs }: Pick<Received, 'sinceAwardMs'>,
): Breach | null {
  // It cannot have run before it was awarded, whatever is heard late.
  const isEarly = sinceAwardMs + EARLY_MS < job.durationSeconds * 1000
  switch (content.case) {
    case 'extended':
      return content.value.durationSeconds > grantable(job) ? 'extended-unasked' : null
    case 'expired':
      return isEarly ? 'expired-early' : null
    case 'ended': {
      const { outcome, failureCode } = content.value
      if (outcome === 'cancelled' && job.cancelRequestedAtMs === null) return 'cancelled-unasked'
      return failureCode === 'DURATION_EXCEEDED' && isEarly ? 'expired-early' : null
    }
    default:
      return null
  }
}

/** The longest duration that this peer has granted, or asked for, in seconds. */
function grantable({ durationSeconds, extension }: Readonly<JobRecord>): number {
  return Math.min(durationSeconds + (extension?.additionalSeconds ?? 0), MAX_DURATION_SECONDS)
}

/** The extension that was asked for is in force. It is told once, by the reply or by the report, whichever comes first. */
export function grantExtension(draft: JobDraft): void {
  const durationSeconds = grantable(draft.job)
  draft.patch({ durationSeconds, extension: null })
  draft.event('extended', { duration: durationSeconds })
}

/** The provider ended the job by itself, and says that somebody else did. */
export function brokenOff(breach: Breach): Failure {
  const details = { reason: 'stopped-by-provider', breach }
  return failure('INTERNAL', 'The provider ended the job, and says that it was asked to', details)
}
