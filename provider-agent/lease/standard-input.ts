/** The standard input of a lease's program. It goes through this process and the engine: where one of them ends, so does it. */

import type { Logger } from '../../node/logger.ts'
import { stdinOf } from '../../protocol/job-inputs.ts'
import type { InputRoom } from '../inputs/input-room.ts'
import { LeaseBrokenError } from './ending.ts'
import type { Lease } from './lease.ts'

/** Of one lease, for as long as this process has it. */
export interface StandardInput {
  /**
   * @param hasBegun whether an earlier process, or an earlier try, may have begun to give it
   * @throws {LeaseBrokenError} `stdin-lost` where what it gave is not all
   */
  check(hasBegun: boolean): void
  /** Opens it, before the container starts. */
  open(signal: AbortSignal): Promise<void>
  /** Gives it, until all is given or the signal aborts. Never rejects. */
  give(signal: AbortSignal): Promise<void>
}

/** Of a job that has none, it does nothing. */
export function createStandardInput(
  { inputs, logger }: { inputs?: Pick<InputRoom, 'openStdin'> | undefined; logger: Logger },
  lease: Lease,
): StandardInput {
  const isWanted = stdinOf(lease.record.job) !== undefined
  let give: ((signal: AbortSignal) => Promise<boolean>) | null = null
  return {
    check(hasBegun) {
      if (isWanted && hasBegun && lease.progress.stdinGiven !== true) throw new LeaseBrokenError('stdin-lost')
    },
    async open(signal) {
      if (isWanted) give = (await inputs?.openStdin(lease.record, signal)) ?? null
    },
    async give(signal) {
      if (!(await give?.(signal))) return
      // Where that cannot be written down, the attempt is made anew at the next start.
      await lease.report(null, { stdinGiven: true }).catch((error) => {
        logger.warn({ lease: lease.id, error: String(error) }, 'that the standard input was given is not written down')
      })
    },
  }
}
