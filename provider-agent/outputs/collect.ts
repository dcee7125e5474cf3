import type { Pack } from 'tar-stream'
import type { Clock } from '../../node/clock.ts'
import { deadline } from '../../node/deadline.ts'
import type { Logger } from '../../node/logger.ts'
import { outputReadingMs, outputTarBytes } from '../../node/outputs/index.ts'
import { createSieve } from '../../node/outputs/sift.ts'
import { tarOf } from '../../node/tar-of.ts'
import { outputPaths, rootOf } from '../../protocol/job-outputs.ts'
import { type ContainerAccess, isMissing } from '../engine/access.ts'
import type { LeaseRecord } from '../journal/records.ts'
import { OutputProblem, type OutputSpool } from './spool.ts'
import type { KeptOutput } from './spool-folder.ts'

/** From this share of the time on what has no place in it is not waited for: what came before is kept. */
const ENOUGH = 0.5

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
  const outputs = outputPaths(record.job.outputList ?? record.job.outputs)
  if (outputs.length === 0) return null
  // Who cancelled before the end may want what there is; who cancels now does not wait for it.
  const until = lease.cancelSignal.aborted ? signal : AbortSignal.any([signal, lease.cancelSignal])
  const { storageBytes } = record.resources
  const limit = deadline(clock, outputReadingMs(storageBytes), until)
  const enough = deadline(clock, outputReadingMs(storageBytes) * ENOUGH, signal)
  try {
    // A sparse file is as large in a tar as it pretends to be: no more comes than the job may write.
    const sieve = createSieve({ maxBytes: storageBytes, enough: enough.signal })
    const write = async (out: Pack): Promise<void> => {
      let missing = 0
      for (const { name: as, path } of outputs) {
        const all = await access.archive(name, path, { signal: limit.signal }).catch(unlessMissing)
        if (all !== null) await sieve.pass(all, out, [rootOf(path)], as)
        else if (outputs.length > 1) sieve.leaveOut(path, 'was not there when the container ended')
        if (all === null) missing += 1
      }
      if (missing === outputs.length) throw new OutputProblem(`The container left nothing at ${pathsOf(outputs)}`)
    }
    const tar = async () => ({ tar: tarOf(write), leftOut: sieve.leftOut })
    return { kept: await spool.keep(record, tar, outputTarBytes(storageBytes), limit.signal) }
  } catch (error) {
    signal.throwIfAborted()
    const problem = until.aborted ? 'The job was cancelled while they were read' : problemOf(error)
    logger.info({ lease: id, problem, error: String(error) }, 'outputs were not kept')
    return { problem }
  } finally {
    limit.clear()
    enough.clear()
  }
}

function problemOf(error: unknown): string {
  return error instanceof OutputProblem ? error.message : 'The provider could not read the outputs'
}

/** Null where there is nothing at the path. @throws anything else */
function unlessMissing(error: unknown): null {
  if (isMissing(error)) return null
  throw error
}

function pathsOf(outputs: { path: string }[]): string {
  return outputs.map(({ path }) => path).join(', ')
}
