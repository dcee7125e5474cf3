import { retried } from '../../node/backoff.ts'
import type { Clock } from '../../node/clock.ts'
import { lasting } from '../lasting.ts'
import { isGone } from './errors.ts'

/** Tries of a removal that the engine answers with an error: one that is being stopped may say anything. */
const TRIES = 5

/**
 * Removes something of an engine: where the engine is away, once it is back; where it answers with an error, by another try
 * or some. What has begun is not left half done where the signal aborts; see {@link lasting}.
 *
 * @param tries of a removal that is answered with an error
 * @throws what the engine says at the last try
 */
export async function removeSurely(
  clock: Clock,
  signal: AbortSignal,
  remove: (signal: AbortSignal) => Promise<void>,
  tries = TRIES,
): Promise<void> {
  const worth = (error: unknown, attempt: number): boolean => isGone(error) || attempt < tries
  await retried(clock, signal, worth, async () => await lasting(clock, signal, remove))
}
