import { MAX_DURATION_SECONDS } from '../../../protocol/limits.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import { looks } from '../../looks.ts'
import type { JobRecord, JobStore } from '../../store/index.ts'
import { ExtensionRefusedError } from '../index.ts'

/** How long before its end a job is extended, in ms, at most; of a short one a quarter of its duration. */
const MARGIN_MS = 60_000

/** Refusals after which the provider is not asked again: the job then ends at its duration. */
const TRIES = 3

/** What {@link autoExtend} works with. */
export interface AutoExtendComponents {
  store: Pick<JobStore, 'get' | 'onChange'>
  clock: Clock
  logger: Logger
  /** Rejects with {@link ExtensionRefusedError} where the provider says no, or nothing. */
  extend: (jobId: string, additionalSeconds: number) => Promise<unknown>
}

/**
 * Asks for more time before a job that wants it reaches its duration, each time for as long as it was first given, up to
 * `maxDuration`. Resolves when there is nothing more to ask for; rejects with the signal's reason.
 */
export async function autoExtend(
  { store, clock, logger, extend }: AutoExtendComponents,
  jobId: string,
  signal: AbortSignal,
): Promise<void> {
  const startedMs = await untilRunning(store, clock, jobId, signal)
  for (let refusals = 0; refusals < TRIES; ) {
    const job = await store.get(jobId)
    if (job === undefined || job.state.status !== 'running' || job.cancelRequestedAtMs !== null) return
    const additional = moreOf(job)
    if (additional <= 0) return
    const marginMs = Math.min(MARGIN_MS, (job.spec.duration * 1000) / 4)
    const dueMs = startedMs + job.durationSeconds * 1000 - marginMs
    const waitMs = dueMs - clock.monotonicMs()
    if (waitMs > 0) {
      await clock.sleep(Math.min(waitMs, 3_600_000), signal)
      continue
    }
    try {
      await extend(jobId, additional)
      refusals = 0
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof ExtensionRefusedError)) throw error
      refusals += 1
      logger.warn({ jobId, reason: error.message }, 'the job could not be extended')
      await clock.sleep(marginMs / (TRIES + 1), signal)
    }
  }
}

/** Seconds that the next extension asks for. */
function moreOf({ spec, durationSeconds }: JobRecord): number {
  return Math.min(spec.duration, (spec.maxDuration ?? MAX_DURATION_SECONDS) - durationSeconds)
}

/** When it began to run, on the monotonic clock. */
async function untilRunning(
  store: AutoExtendComponents['store'],
  clock: Clock,
  jobId: string,
  signal: AbortSignal,
): Promise<number> {
  for await (const _ of looks((changed) => store.onChange(jobId, changed), signal)) {
    const job = await store.get(jobId)
    // What ran before this process looked is known to the second at best; a margin covers it.
    if (job?.state.status === 'running') return clock.monotonicMs() - job.state.lease.meteredMs
  }
  throw signal.reason
}
