import type { Clock } from '../../node/clock.ts'
import { deadline } from '../../node/deadline.ts'
import type { Logger } from '../../node/logger.ts'
import { type ContainerAccess, isMissing } from '../engine/access.ts'
import type { Lease } from '../lease/lease.ts'
import { type KeptOutput, OutputProblem, type OutputSpool } from './spool.ts'

/** How long the reading of an output may take, in ms; the requester gives the provider a little more. */
const COLLECT_MS = 240_000

/** What the last report says of a job's outputs. */
export type CollectedOutput = { kept: KeptOutput } | { problem: string }

export interface CollectComponents {
  access: Pick<ContainerAccess, 'archive'>
  spool: OutputSpool
  clock: Clock
  logger: Logger
}

/** Keeps what an ended container left at its job's `outputs`; null where the job names none. Repeating it is no error. */
export async function collectOutput(
  { access, spool, clock, logger }: CollectComponents,
  { id, record }: Lease,
  name: string,
  signal: AbortSignal,
): Promise<CollectedOutput | null> {
  const { outputs = '' } = record.job
  if (outputs === '') return null
  const limit = deadline(clock, COLLECT_MS, signal)
  try {
    const tar = async () => await access.archive(name, outputs, { signal: limit.signal })
    // As much as the job may write, with room for the tar's own frames.
    const maxBytes = record.resources.storageBytes + 64 * 1024 + record.resources.storageBytes / 8
    return { kept: await spool.keep(record, tar, maxBytes, limit.signal) }
  } catch (error) {
    signal.throwIfAborted()
    const problem = problemOf(error, outputs)
    logger.info({ lease: id, problem, error: String(error) }, 'outputs were not kept')
    return { problem }
  } finally {
    limit.clear()
  }
}

function problemOf(error: unknown, path: string): string {
  if (error instanceof OutputProblem) return error.message
  if (isMissing(error)) return `The container left nothing at ${path}`
  return 'The provider could not read the outputs'
}
