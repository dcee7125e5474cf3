import { type Failure, failure } from '../../../protocol/failures.ts'
import { outputPaths } from '../../../protocol/job-outputs.ts'
import { resourcesOf } from '../../../protocol/job-spec.ts'
import type { Clock } from '../../clock.ts'
import { outputReadingMs, outputSendingMs } from '../../outputs/index.ts'
import type { JobRecord } from '../../store/index.ts'

/**
 * How long a provider that is in touch may take to start a container, its image included, in ms: an hour brings 36 GB at
 * 10 MB/s. @default 3_600_000
 */
export const START_WITHIN_MS = 3_600_000

/**
 * How long a provider in touch may take to tell of a container's end beyond its duration or a cancellation, and the stop's
 * grace, in ms: its output has to be read and sent first. @default 60_000
 */
export const END_WITHIN_MS = 60_000

/** How much longer than they are read where the job has outputs, in ms: they have to be written down, too. */
const OUTPUTS_GRACE_MS = 60_000

/** What a provider that says it is there has not done in time. */
export type Overdue = 'start' | 'cancel' | 'end'

/** How long a provider in touch may take. */
export interface OverdueTimes {
  /** See {@link START_WITHIN_MS}. */
  startWithinMs: number
  /** See {@link END_WITHIN_MS}. */
  endWithinMs: number
}

/**
 * Answers, each time it is asked, what the provider of a job is late with. Counted on the monotonic clock from when this
 * process first saw the state, so that no clock of a provider matters; after a restart it counts anew.
 */
export function createOverdueCheck(
  { clock }: { clock: Pick<Clock, 'monotonicMs'> },
  { startWithinMs, endWithinMs }: OverdueTimes,
): (job: JobRecord) => Overdue | null {
  const firstSeenMs = new Map<Overdue, number>()

  return ({ state, spec, durationSeconds, cancelRequestedAtMs }) => {
    const nowMs = clock.monotonicMs()
    const outputsMs = spec.outputs === undefined ? 0 : outputsWithinMs(spec)
    const endMs = spec.stopGraceSeconds * 1000 + endWithinMs + outputsMs
    const waits: { what: Overdue; isDue: boolean; limitMs: number }[] = [
      { what: 'cancel', isDue: cancelRequestedAtMs !== null, limitMs: endMs },
      { what: 'start', isDue: state.status === 'scheduled', limitMs: startWithinMs },
      { what: 'end', isDue: state.status === 'running', limitMs: durationSeconds * 1000 + endMs },
    ]
    for (const { what, isDue, limitMs } of waits) {
      if (!isDue) continue
      const sinceMs = firstSeenMs.get(what) ?? nowMs
      firstSeenMs.set(what, sinceMs)
      if (nowMs - sinceMs > limitMs) return what
    }
    return null
  }
}

/** How much longer an end may take of which the outputs have to be read before it is told. */
function outputsWithinMs(spec: JobRecord['spec']): number {
  const { storageBytes } = resourcesOf(spec)
  const goElsewhere = outputPaths(spec.outputs).some(({ to }) => to !== undefined)
  return outputReadingMs(storageBytes) + OUTPUTS_GRACE_MS + (goElsewhere ? outputSendingMs(storageBytes) : 0)
}

/** Why a lease is given up. */
export type Loss = 'silent' | 'unknown' | Overdue

/** The failure of an attempt whose lease was given up; its reason is the loss, as in `provider-silent`. */
export function lossFailure(loss: Loss, provider: string, times: OverdueTimes & { lostAfterMs: number }): Failure {
  const who = `The provider ${provider}`
  const details = { provider, reason: `provider-${loss}` }
  switch (loss) {
    case 'silent':
      return failure('NETWORK_ERROR', `${who} has not been heard of for ${times.lostAfterMs / 1000} s`, details)
    case 'unknown':
      return failure('NETWORK_ERROR', `${who} does not know the job any more`, details)
    case 'start':
      return failure('NETWORK_ERROR', `${who} did not start the job within ${times.startWithinMs / 1000} s`, details)
    case 'cancel':
      return failure('NETWORK_ERROR', `${who} did not stop the job when it was cancelled`, details)
    case 'end':
      return failure('DURATION_EXCEEDED', `${who} did not end the job at its duration`, details)
  }
}
