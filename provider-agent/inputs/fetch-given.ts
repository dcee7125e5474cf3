import { retried } from '../../node/backoff.ts'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import type { PeerNetwork } from '../../node/network/index.ts'
import { isDiskFull } from '../../node/system-problem.ts'
import { DataError, dataErrorOf } from './data-error.ts'
import { type BlobWanted, fetchBlob } from './fetch-blob.ts'

/** What {@link fetchGiven} works with. */
export interface GivenComponents {
  network: Pick<PeerNetwork, 'open'>
  clock: Clock
  logger: Logger
}

/**
 * Brings what the requester has into a file, trying again where the stream broke, as long as something comes at all.
 *
 * @param stallMs how long no byte may come before it is given up, in ms
 * @throws {DataError}
 */
export async function fetchGiven(
  { network, clock, logger }: GivenComponents,
  wanted: BlobWanted,
  stallMs: number,
  signal: AbortSignal,
): Promise<void> {
  const { record, input, onBytes } = wanted
  let lastMs = clock.monotonicMs()
  let most = -1
  const told = (bytes: number): void => {
    if (bytes > most) lastMs = clock.monotonicMs()
    most = Math.max(most, bytes)
    onBytes(bytes)
  }
  const worthAnother = (error: unknown): boolean => {
    if (error instanceof DataError || isDiskFull(error)) return false
    logger.debug({ job: record.jobId, path: input.path, error: String(error) }, 'an input broke off')
    return clock.monotonicMs() - lastMs < stallMs
  }
  try {
    await retried(clock, signal, worthAnother, async () => {
      await fetchBlob({ network, clock }, { ...wanted, onBytes: told }, signal)
    })
  } catch (error) {
    signal.throwIfAborted()
    throw dataErrorOf(error, input.path)
  }
}
