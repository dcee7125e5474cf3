/** Ends of a container that neither its program nor this agent brought about. */

import { type ContainerExit, EngineError, KILLED, TERMINATED, UNKNOWN_EXIT } from '../engine/index.ts'
import { LeaseBrokenError } from './ending.ts'

/** What the reasons of an engine's error mean for a container that ran. */
const BROKEN: ReadonlyMap<string, LeaseBrokenError['reason']> = new Map([
  ['not-found', 'container-lost'],
  ['restarted', 'stopped-by-provider'],
  ['engine-stopped', 'engine-stopped'],
])

/**
 * Whether somebody else ended it. Of an end that nobody saw, the engine may remember nothing: then a signal that engines
 * send when they stop counts as theirs, and so does what one says that comes back and can learn nothing of the end.
 */
export function endedFromOutside(
  { exitCode, oomKilled, fromOutside, unseen }: ContainerExit,
  isUnseen: boolean,
): boolean {
  if (fromOutside === true || (unseen === true && exitCode === UNKNOWN_EXIT)) return true
  return isUnseen && !oomKilled && (exitCode === KILLED || exitCode === TERMINATED)
}

/** What an engine's error means for a container that had begun to run; other errors stay what they are. */
export function brokenOff(error: unknown): unknown {
  if (!(error instanceof EngineError)) return error
  if (error.code === 'ENGINE_UNAVAILABLE') return new LeaseBrokenError('engine-stopped')
  const reason = error.code === 'ENGINE_ERROR' ? BROKEN.get(String(error.details.reason)) : undefined
  return reason === undefined ? error : new LeaseBrokenError(reason)
}
