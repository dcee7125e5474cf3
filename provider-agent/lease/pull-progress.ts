import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import type { PullRequest } from '../engine/index.ts'
import type { Lease } from './lease.ts'

/** Progress reports of one lease come no closer together than this, in ms. */
const PROGRESS_MS = 500

/** Tells of a pull's progress at most twice a second; what comes between is passed over, because each tells the whole. */
export function createProgressReporter(
  clock: Clock,
  lease: Lease,
  logger: Logger,
): NonNullable<PullRequest['onProgress']> {
  let lastMs = Number.NEGATIVE_INFINITY
  return ({ layersDone, layersTotal, bytesDone, bytesTotal }) => {
    const nowMs = clock.monotonicMs()
    if (nowMs - lastMs < PROGRESS_MS) return
    lastMs = nowMs
    const bytes = { bytesDone: BigInt(Math.trunc(bytesDone)), bytesTotal: BigInt(Math.trunc(bytesTotal)) }
    const value = { image: lease.record.job.image, layersDone, layersTotal, ...bytes }
    lease.report({ case: 'pulling', value }).catch((error: unknown) => {
      logger.debug({ lease: lease.id, error: String(error) }, 'progress not written')
    })
  }
}
