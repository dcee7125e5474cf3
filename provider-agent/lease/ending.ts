/** How an attempt ended, told from the container's exit, from what stopped it, or from what kept it from running. */

import type { FailureCode } from '../../protocol/failures.ts'
import { failure, isFailureCode, kindOfFailure } from '../../protocol/failures.ts'
import { shownBytes } from '../../protocol/units.ts'
import { type ContainerExit, EngineError } from '../engine/index.ts'
import { exitCodeOf } from '../engine/invalid-command.ts'
import { DataError } from '../inputs/data-error.ts'
import type { Exceeded, Outcome, StopReason } from '../journal/records.ts'

/** What is told of an attempt's end. */
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
  readonly reason:
    | 'container-lost'
    | 'secrets-lost'
    | 'stdin-lost'
    | 'engine-unavailable'
    | 'engine-stopped'
    | 'stopped-by-provider'

  constructor(reason: LeaseBrokenError['reason']) {
    super(failure('INTERNAL', undefined, { reason }).message)
    this.reason = reason
  }
}

/**
 * @param limits `exceeded` is what the container went beyond as far as this side could see; it only tells why where the
 * container did not end well; `ownerSaid` as in {@link endingOfStop}
 */
export function endingOfExit(
  exit: ContainerExit,
  stopping: StopReason | null,
  limits: { durationSeconds: number; memoryBytes: number; exceeded?: Exceeded | null; ownerSaid?: string | undefined },
): Ending {
  const { exitCode } = exit
  if (stopping === 'cancelled' || stopping === 'stale') return ending('cancelled', exitCode)
  // Memory ran out in some process of it; a main process that still ended well has done its work.
  if (exit.oomKilled && exitCode !== 0) {
    // The kernel gives no more than the limit, so that is what was used.
    return endingOfLimit({ what: 'memory', limit: limits.memoryBytes, used: limits.memoryBytes }, exitCode)
  }
  if (stopping === 'disconnected' || stopping === 'shutdown' || stopping === 'owner') {
    return endingOfStop(stopping, exitCode, limits.ownerSaid)
  }
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
  files: {
    reason: 'file-limit',
    message: ({ limit }) => `A process of the container had as many files open as it may: ${limit}.`,
  },
  shm: { reason: 'shared-memory-limit', message: ({ limit }) => `/dev/shm was full: it has ${shownBytes(limit)}.` },
  storage: {
    reason: 'storage-limit',
    message: ({ limit, used }) => `The container wrote ${shownBytes(used)}, its storage is ${shownBytes(limit)}.`,
  },
  volume: {
    reason: 'storage-limit',
    message: ({ volume, limit, used }) =>
      `The volume ${volume} took ${shownBytes(used)}, its size is ${shownBytes(limit)}.`,
  },
  network: {
    reason: 'network-limit',
    message: ({ limit, used }) =>
      `The container sent and received ${shownBytes(used)}, its maxNetwork is ${shownBytes(limit)}.`,
  },
}

function endingOfLimit(exceeded: Exceeded, exitCode: number | null): Ending {
  const { what, volume, limit, used } = exceeded
  const { reason, message } = limitReasons[what]
  const unit = what === 'pids' || what === 'files' ? '' : 'Bytes'
  return failed('RESOURCE_LIMIT_EXCEEDED', exitCode, message(exceeded), {
    ...{ reason, what, [`limit${unit}`]: String(limit), [`used${unit}`]: String(used) },
    ...(volume === undefined ? {} : { volume }),
  })
}

/** Stopped before there was a container to stop, or by this side. @param ownerSaid why its owner wanted that. @default "" */
export function endingOfStop(stopping: StopReason, exitCode: number | null = null, ownerSaid = ''): Ending {
  switch (stopping) {
    case 'owner': {
      const ending = endingOfOutside('stopped-by-owner', exitCode)
      if (ownerSaid === '') return ending
      return { ...ending, message: `${ending.message.replace(/\.$/, '')}: ${ownerSaid}` }
    }
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

/** Somebody else ended the container: its owner, or an engine that ended. What it exited with is not the program's word. */
export function endingOfOutside(
  reason: 'engine-stopped' | 'stopped-by-provider' | 'stopped-by-owner',
  exitCode: number | null,
): Ending {
  return failed('INTERNAL', exitCode, failure('INTERNAL', undefined, { reason }).message, { reason })
}

/** What is no {@link EngineError} and no {@link LeaseBrokenError} is the provider's fault, and its words are not told. */
export function endingOfError(error: unknown): Ending {
  if (error instanceof LeaseBrokenError) return failed('INTERNAL', null, error.message, { reason: error.reason })
  if (error instanceof DataError) return failed('DATA_ERROR', null, error.message, detailsOf(error))
  if (!(error instanceof EngineError)) {
    return failed('INTERNAL', null, 'The provider could not run the container.', { reason: 'provider-error' })
  }
  const details = detailsOf(error)
  if (error.code === 'INVALID_COMMAND') {
    return toldOf(error, 'NON_ZERO_EXIT', exitCodeOf(details.reason ?? ''), { reason: 'invalid-command', ...details })
  }
  if (isFailureCode(error.code)) return toldOf(error, error.code, null, details)
  // Its own reasons are the engine's matter: the job's are those of the table.
  const reason = error.code === 'ENGINE_UNAVAILABLE' ? 'engine-unavailable' : 'engine-error'
  const { reason: engineReason, ...others } = details
  return toldOf(error, 'INTERNAL', null, {
    ...others,
    ...(engineReason === undefined ? {} : { engineReason }),
    reason,
  })
}

function detailsOf({ details }: Pick<EngineError, 'details'>): Record<string, string> {
  return Object.fromEntries(Object.entries(details).map(([name, value]) => [name, String(value)]))
}

/** What the engine said stays with the provider: the job is told what it means. */
function toldOf(
  { told }: EngineError,
  code: FailureCode,
  exitCode: number | null,
  details: Record<string, string>,
): Ending {
  return failed(code, exitCode, told ?? kindOfFailure({ code, details }).cause, details)
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
