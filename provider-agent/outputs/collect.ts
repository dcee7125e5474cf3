import type { Clock } from '../../node/clock.ts'
import { deadline } from '../../node/deadline.ts'
import type { Logger } from '../../node/logger.ts'
import { outputTarBytes } from '../../node/outputs/index.ts'
import { rootOf, siftTar } from '../../node/outputs/sift.ts'
import { type ContainerAccess, isMissing } from '../engine/access.ts'
import type { LeaseRecord } from '../journal/records.ts'
import { OutputProblem, type OutputSpool } from './spool.ts'
import type { KeptOutput } from './spool-folder.ts'

/** How long the reading of an output may take, in ms; the requester gives the provider a little more. */
const COLLECT_MS = 240_000

/** From then on what has no place in it is not waited for, in ms: what came before is kept. */
const ENOUGH_MS = 120_000

/** What the last report says of a job's outputs. */
export type CollectedOutput = { kept: KeptOutput } | { problem: string }

/** What {@link collectOutput} works with. */
export interface CollectComponents {
  access: Pick<ContainerAccess, 'archive'>
  spool: OutputSpool
  clock: Clock
  logger: Logger
}

/** The lease whose container ended. */
export interface EndedLease {
  readonly id: string
  readonly record: LeaseRecord
  /** Aborted once nobody waits for what is still to be read of it. */
  readonly cancelSignal: AbortSignal
}

/** Keeps what an ended container left at its job's `outputs`; null where the job names none. Repeating it is no error. */
export async function collectOutput(
  { access, spool, clock, logger }: CollectComponents,
  lease: EndedLease,
  name: string,
  signal: AbortSignal,
): Promise<CollectedOutput | null> {
  const { id, record } = lease
  const { outputs = '' } = record.job
  if (outputs === '') return null
  // Who cancelled before the end may want what there is; who cancels now does not wait for it.
  const until = lease.cancelSignal.aborted ? signal : AbortSignal.any([signal, lease.cancelSignal])
  const limit = deadline(clock, COLLECT_MS, until)
  const enough = deadline(clock, ENOUGH_MS, signal)
  try {
    // A sparse file is as large in a tar as it pretends to be: no more comes than the job may write.
    const { storageBytes } = record.resources
    const tar = async () => {
      const all = await access.archive(name, outputs, { signal: limit.signal })
      const maxBytes = Math.min(storageBytes, spool.maxOutputBytes)
      return siftTar(all, { root: rootOf(outputs), maxBytes, enough: enough.signal })
    }
    return { kept: await spool.keep(record, tar, outputTarBytes(storageBytes), limit.signal) }
  } catch (error) {
    signal.throwIfAborted()
    const problem = until.aborted ? 'The job was cancelled while they were read' : problemOf(error, outputs)
    logger.info({ lease: id, problem, error: String(error) }, 'outputs were not kept')
    return { problem }
  } finally {
    limit.clear()
    enough.clear()
  }
}

function problemOf(error: unknown, path: string): string {
  if (error instanceof OutputProblem) return error.message
  if (isMissing(error)) return `The container left nothing at ${path}`
  return 'The provider could not read the outputs'
}
