/** How an attempt ended, told from the container's exit, from what stopped it, or from what kept it from running. */

import type { FailureCode } from '../../protocol/failures.ts'
import { isFailureCode } from '../../protocol/failures.ts'
import { formatBytes } from '../../protocol/units.ts'
import { type ContainerExit, EngineError } from '../engine/index.ts'
import type { Exceeded, Outcome, StopReason } from '../journal/records.ts'

export interface Ending {
  outcome: Outcome
  exitCode: number | null
  /** Empty where nothing failed, and where the exit code says it all. */
  failureCode: FailureCode | ''
  message: string
  details: Record<string, string>
}

/** The provider's own fault, or its restart's: the job itself may do well elsewhere. `reason` crosses the wire in `details`. */
export class LeaseBrokenError extends Error {
  override readonly name = 'LeaseBrokenError'
  readonly reason: 'container-lost' | 'secrets-lost' | 'engine-unavailable'

  constructor(reason: LeaseBrokenError['reason'], message: string) {
    super(message)
    this.reason = reason
  }
}

/**
 * @param limits `exceeded` is what the container went beyond as far as this side could see; it only tells why where the
 * container did not end well
 */
export function endingOfExit(
  exit: ContainerExit,
  stopping: StopReason | null,
  limits: { durationSeconds: number; memoryBytes: number; exceeded?: Exceeded | null },
): Ending {
  const { exitCode } = exit
  if (stopping === 'cancelled' || stopping === 'stale') return ending('cancelled', exitCode)
  // Memory ran out in some process of it; a main process that still ended well has done its work.
  if (exit.oomKilled && exitCode !== 0) {
    // The kernel gives no more than the limit, so that is what was used.
    return endingOfLimit({ what: 'memory', limit: limits.memoryBytes, used: limits.memoryBytes }, exitCode)
  }
  if (stopping === 'disconnected' || stopping === 'shutdown') return endingOfStop(stopping, exitCode)
  if (stopping === 'expired' && exitCode !== 0) {
    const { durationSeconds } = limits
    return failed(
      'DURATION_EXCEEDED',
      exitCode,
      `The job reached its duration of ${durationSeconds} s and was stopped.`,
      {
        durationSeconds: String(durationSeconds),
      },
    )
  }
  const { exceeded = null } = limits
  if (exceeded !== null && (stopping === 'over-limit' || exitCode !== 0)) return endingOfLimit(exceeded, exitCode)
  return ending('exited', exitCode)
}

const limitReasons: Record<Exceeded['what'], { reason: string; message: (limit: Exceeded) => string }> = {
  memory: { reason: 'out-of-memory', message: () => 'The container ran out of memory.' },
  pids: { reason: 'process-limit', message: ({ limit }) => `The container had as many processes as it may: ${limit}.` },
  storage: {
    reason: 'storage-limit',
    message: ({ limit, used }) => `The container wrote ${formatBytes(used)}, its storage is ${formatBytes(limit)}.`,
  },
  volume: {
    reason: 'storage-limit',
    message: ({ volume, limit, used }) =>
      `The volume ${volume} took ${formatBytes(used)}, its size is ${formatBytes(limit)}.`,
  },
}

function endingOfLimit(exceeded: Exceeded, exitCode: number | null): Ending {
  const { what, volume, limit, used } = exceeded
  const { reason, message } = limitReasons[what]
  const unit = what === 'pids' ? '' : 'Bytes'
  return failed('RESOURCE_LIMIT_EXCEEDED', exitCode, message(exceeded), {
    ...{ reason, what, [`limit${unit}`]: String(limit), [`used${unit}`]: String(used) },
    ...(volume === undefined ? {} : { volume }),
  })
}

/** Stopped before there was a container to stop, or by this side. */
export function endingOfStop(stopping: StopReason, exitCode: number | null = null): Ending {
  switch (stopping) {
    case 'disconnected':
      return failed(
        'NETWORK_ERROR',
        exitCode,
        'The requester was out of touch for leaseTimeout, so the container was stopped.',
        {
          reason: 'disconnected',
        },
      )
    case 'shutdown':
      return failed('INTERNAL', exitCode, 'The provider shut down and stopped the container.', {
        reason: 'provider-shutdown',
      })
    case 'over-limit':
      // What was over was measured in a container that ran, so this side lost sight of it.
      return failed('RESOURCE_LIMIT_EXCEEDED', exitCode, 'The container went beyond a limit and was stopped.', {})
    case 'expired':
      return failed('DURATION_EXCEEDED', exitCode, 'The job reached its duration before its container started.', {})
    case 'cancelled':
    case 'stale':
      return ending('cancelled', exitCode)
  }
}

export function endingOfError(error: unknown): Ending {
  if (error instanceof LeaseBrokenError) return failed('INTERNAL', null, error.message, { reason: error.reason })
  if (!(error instanceof EngineError)) {
    return failed('INTERNAL', null, 'The provider could not run the container.', { reason: 'provider-error' })
  }
  const details = Object.fromEntries(Object.entries(error.details).map(([name, value]) => [name, String(value)]))
  if (error.code === 'INVALID_COMMAND') {
    // What a shell answers for a program that is not there.
    const exitCode = Number(details.exitCode ?? 127)
    return failed('NON_ZERO_EXIT', exitCode, error.message, { reason: 'invalid-command', ...details })
  }
  const code = isFailureCode(error.code) ? error.code : 'INTERNAL'
  const reason = error.code === 'ENGINE_UNAVAILABLE' ? 'engine-unavailable' : 'engine-error'
  return failed(code, null, error.message, code === 'INTERNAL' ? { reason, ...details } : details)
}

function ending(outcome: Outcome, exitCode: number | null): Ending {
  return { outcome, exitCode, failureCode: '', message: '', details: {} }
}

function failed(
  failureCode: FailureCode,
  exitCode: number | null,
  message: string,
  details: Record<string, string>,
): Ending {
  return { outcome: 'failed', exitCode, failureCode, message, details }
}
