import { type Exceeded, type LeaseProgress, STOP_REASONS, type StopReason } from '../../journal/records.ts'
import type { WrittenProgress } from './written-progress.ts'

/** What ends of a lease, each once. */
export interface Endings {
  /** The container is wanted to stop. */
  readonly stop: AbortController
  /** It is to end soon: another attempt of its job may be waiting for that. */
  readonly hasty: AbortController
  /** The requester wants no more of it. */
  readonly cancelled: AbortController
  /** The container has ended. */
  readonly exited: AbortController
  /** Nobody reaches into the container any more. */
  readonly closed: AbortController
  /** The last report is written. */
  readonly ended: AbortController
  /** Nothing is left to do. */
  readonly settled: AbortController
}

/** As the last process of the agent left them. */
export function endingsOf({ stopping, ended }: LeaseProgress): Endings {
  const endings = {
    stop: new AbortController(),
    hasty: new AbortController(),
    cancelled: new AbortController(),
    exited: new AbortController(),
    closed: new AbortController(),
    ended: new AbortController(),
    settled: new AbortController(),
  }
  if (stopping !== null) endings.stop.abort()
  if (isHasty(stopping)) endings.hasty.abort()
  if (ended !== null) for (const over of [endings.exited, endings.closed, endings.ended]) over.abort()
  return endings
}

/** Ends what reaches into the container. */
export interface Closing {
  /** Aborted once the container has ended: what was dialled at its address may be answered by another from now on. */
  readonly exitedSignal: AbortSignal
  /** Aborted before the container is removed, or its end is told: what still reaches into it is over. */
  readonly closedSignal: AbortSignal
  /** The container has ended: nobody is let in any more; what goes over a connection that it had may still come to its end. */
  exited(): void
  /** Nothing reaches into the container from now on: to be called before every removal of it. */
  close(): void
}

/** Both may be called again. */
export function createClosing({ exited, closed }: Endings): Closing {
  const over = new Error('The container has ended')
  return {
    exitedSignal: exited.signal,
    closedSignal: closed.signal,
    exited: () => exited.abort(over),
    close() {
      exited.abort(over)
      closed.abort(over)
    },
  }
}

/** Asks for the container's end. */
export interface Stopping {
  /** Only a stronger reason replaces an earlier one; after the end it does nothing. */
  requestStop(reason: Exclude<StopReason, 'over-limit' | 'owner'>): Promise<void>
  /** Because the machine's owner wants it. @param said why, for the requester; may be empty */
  stopForOwner(said: string): Promise<void>
  /** Because it went beyond a limit. */
  exceed(limit: Exceeded): Promise<void>
}

/** What it answers resolves when the reason is on disk; the stop itself is asked for at once. */
export function createStopping(progress: WrittenProgress, { stop, hasty, cancelled }: Endings): Stopping {
  async function stopBecause(reason: StopReason, why: Partial<LeaseProgress>): Promise<void> {
    const changes = stoppingBy(reason, progress.now)
    if (progress.now.ended !== null || changes.stopping === undefined) return
    const written = progress.write(reason === 'expired' ? { case: 'expired', value: {} } : null, { ...changes, ...why })
    stop.abort()
    await written
  }

  return {
    async requestStop(reason) {
      if (isHasty(reason)) hasty.abort()
      if (reason === 'stale') cancelled.abort()
      await stopBecause(reason, {})
    },
    stopForOwner: async (ownerSaid) => await stopBecause('owner', { ownerSaid }),
    exceed: async (exceeded) => await stopBecause('over-limit', { exceeded }),
  }
}

/** The change that a reason to stop is: none where a stronger one is there. */
export function stoppingBy(reason: StopReason, { stopping }: LeaseProgress): Pick<Partial<LeaseProgress>, 'stopping'> {
  const current = stopping === null ? -1 : STOP_REASONS.indexOf(stopping)
  return STOP_REASONS.indexOf(reason) > current ? { stopping: reason } : {}
}

/** Whether another attempt of the job may be waiting for the end of this one. */
function isHasty(reason: StopReason | null): boolean {
  return reason === 'disconnected' || reason === 'stale'
}
