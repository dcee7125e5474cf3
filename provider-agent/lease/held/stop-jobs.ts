import { whenAborted } from '../../../node/abort.ts'
import type { Clock } from '../../../node/clock.ts'
import { deadline } from '../../../node/deadline.ts'
import type { Logger } from '../../../node/logger.ts'
import type { Held } from './held-leases.ts'

/** How long containers may take to stop beyond their grace, in ms: an engine that is away holds up nobody for ever. */
const STOP_MS = 30_000

/** Asks every container to stop, and waits until all have ended and are removed, or for their grace and half a minute. */
export async function stopJobs(
  { clock, logger }: { clock: Clock; logger: Logger },
  all: Held[],
  signal: AbortSignal,
): Promise<void> {
  const running = all.filter(({ lease }) => lease.progress.ended === null)
  const graceMs = Math.max(0, ...running.map(({ lease }) => lease.record.job.stopGraceSeconds * 1000))
  const limit = deadline(clock, graceMs + STOP_MS, signal)
  await Promise.all(running.map(async ({ lease }) => await lease.requestStop('shutdown')))
  // A container that has ended is still to be removed; the next start may be long in coming.
  await Promise.all(all.map(async ({ done }) => await Promise.race([done, whenAborted(limit.signal)])))
  for (const { lease } of running) {
    if (lease.progress.ended === null) logger.warn({ lease: lease.id }, 'the container did not stop in time')
  }
  limit.clear()
}
