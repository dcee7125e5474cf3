/** How an attempt ended, told from the container's exit, from what stopped it, or from what kept it from running. */

import type { FailureCode } from '../../protocol/failures.ts'
import { isFailureCode } from '../../protocol/failures.ts'
import { type ContainerExit, EngineError } from '../engine/index.ts'
import type { Outcome, StopReason } from '../journal/records.ts'

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

export function endingOfExit(
  exit: ContainerExit,
  stopping: StopReason | null,
  limits: { durationSeconds: number; memoryBytes: number },
): Ending {
  const { exitCode } = exit
  if (stopping === 'cancelled' || stopping === 'stale') return ending('cancelled', exitCode)
  // Memory ran out in some process of it; a main process that still ended well has done its work.
  if (exit.oomKilled && exitCode !== 0) {
    return failed('RESOURCE_LIMIT_EXCEEDED', exitCode, 'The container ran out of memory.', {
      reason: 'out-of-memory',
      memoryBytes: String(limits.memoryBytes),
    })
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
  return ending('exited', exitCode)
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
