import { whenAborted } from '../../node/abort.ts'
import { retried } from '../../node/backoff.ts'
import { MAX_HASTY_GRACE_MS } from '../../protocol/limits.ts'
import { isGone } from '../engine/errors.ts'
import type { FollowComponents } from './follow.ts'

/** Stops the container once the lease is to stop, and sooner once it is to be quick. @param running aborts when it has ended */
export async function stopWhenAsked(follow: FollowComponents, running: AbortSignal): Promise<void> {
  const { lease } = follow
  await whenAborted(AbortSignal.any([lease.stopSignal, running]))
  // What is over its limit would go on filling the disk for as long as it is let.
  const graceMs = lease.progress.stopping === 'over-limit' ? 0 : lease.record.job.stopGraceSeconds * 1000
  const hastily = whenAborted(AbortSignal.any([lease.hastySignal, running])).then(
    async () => await stopWithin(follow, Math.min(graceMs, MAX_HASTY_GRACE_MS), running),
  )
  if (!lease.hastySignal.aborted) await stopWithin(follow, graceMs, running)
  await hastily
}

async function stopWithin(follow: FollowComponents, graceMs: number, running: AbortSignal): Promise<void> {
  if (running.aborted) return
  const { engine, clock, logger, lease, name } = follow
  const { stopSignal: signalName } = lease.record.job
  const stop = { graceMs, ...(signalName === undefined ? {} : { signalName }) }
  // What must end is told so until it has ended.
  const again = (error: unknown): boolean => {
    if (!isGone(error)) logger.error({ lease: lease.id, error: String(error) }, 'the container does not stop')
    return true
  }
  const stopped = retried(clock, running, again, () => engine.stop(name, stop, { signal: running }))
  await stopped.catch(() => undefined) // the container has ended, or the agent stops
}
