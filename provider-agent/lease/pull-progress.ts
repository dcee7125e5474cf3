import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import type { PullRequest } from '../engine/index.ts'
import type { OnTransfer } from '../inputs/on-transfer.ts'
import type { Lease } from './lease.ts'

/** Progress reports of one lease come no closer together than this, in ms. */
const PROGRESS_MS = 500

/** The same of what a job brings. */
const TRANSFER_MS = 1_000

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

/** Tells what of a job's inputs is there, at most once a second. */
export function createTransferReporter(clock: Clock, lease: Lease, logger: Logger): OnTransfer {
  let lastMs = Number.NEGATIVE_INFINITY
  return (done, total) => {
    const nowMs = clock.monotonicMs()
    if (nowMs - lastMs < TRANSFER_MS) return
    lastMs = nowMs
    const value = { bytesDone: BigInt(done), bytesTotal: BigInt(total) }
    lease.report({ case: 'transferring', value }).catch((error: unknown) => {
      logger.debug({ lease: lease.id, error: String(error) }, 'progress not written')
    })
  }
}
