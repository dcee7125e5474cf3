import type { Pack } from 'tar-stream'
import type { Clock } from '../../node/clock.ts'
import { deadline } from '../../node/deadline.ts'
import type { Logger } from '../../node/logger.ts'
import type { Outside } from '../../node/network/outside.ts'
import { outputReadingMs, outputSendingMs, outputTarBytes } from '../../node/outputs/index.ts'
import { createSieve } from '../../node/outputs/sift.ts'
import { tarOf } from '../../node/tar-of.ts'
import { type JobOutputPath, type OutputTarget, outputPaths, type SentOutput } from '../../protocol/job-outputs.ts'
import type { LeftOut } from '../../protocol/left-out.ts'
import { MAX_LEFT_OUT } from '../../protocol/limits.ts'
import { rootOf } from '../../protocol/output-name.ts'
import { OUTPUT_PROBLEMS } from '../../protocol/output-problems.ts'
import { type ContainerAccess, isMissing } from '../engine/access.ts'
import type { LeaseRecord } from '../journal/records.ts'
import { type Destination, type NotSent, obstacleTo, sendKept } from './send.ts'
import type { SendComponents } from './span.ts'
import { OutputProblem, type OutputSpool } from './spool.ts'
import type { KeptOutput, OutputOwner } from './spool-folder.ts'

/** From this share of the time on what has no place in it is not waited for: what came before is kept. */
const ENOUGH = 0.5

/** What the last report says of a job's outputs. */
export interface CollectedOutput {
  /** What the requester fetches; absent where there is nothing for it. */
  kept?: KeptOutput
  /** Why there is nothing for it; empty where there is, or all of it went elsewhere. */
  problem: string
  /** What of it was not kept, and not sent. */
  leftOut: LeftOut[]
  /** What became of those that were to go elsewhere. */
  sent: SentOutput[]
}

/** What {@link collectOutput} works with. */
export interface CollectComponents {
  access: Pick<ContainerAccess, 'archive'>
  spool: OutputSpool
  clock: Clock
  logger: Logger
  /** The way to where jobs send outputs. */
  outside: Outside
}

/** The lease whose container ended. */
export interface EndedLease {
  readonly id: string
  readonly record: LeaseRecord
  /** Aborted once nobody waits for what is still to be read of it. */
  readonly cancelSignal: AbortSignal
  /** What outputs that go to buckets are sent by; null after a restart of the agent. */
  readonly outputKeys: Destination['keys']
}

/** Keeps what an ended container left at its job's `outputs`; null where the job names none. Repeating it is no error. */
export async function collectOutput(
  { access, spool, clock, logger, outside }: CollectComponents,
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
  let limit: ReturnType<typeof deadline> | null = null
  // Writing one down before it is sent counts as sending it.
  const sending = deadline(clock, outputSendingMs(storageBytes), until)
  const enough = deadline(clock, outputReadingMs(storageBytes) * ENOUGH, signal)
  const sent: SentOutput[] = []
  try {
    // A sparse file is as large in a tar as it pretends to be: no more comes than the job may write.
    const keep = async (
      owner: OutputOwner,
      some: JobOutputPath[],
      isAll: boolean,
      within: AbortSignal,
    ): Promise<KeptOutput> => {
      const sieve = createSieve({ maxBytes: storageBytes, enough: enough.signal })
      const write = async (out: Pack): Promise<void> => {
        let missing = 0
        for (const { name: as, path } of some) {
          const all = await access.archive(name, path, { signal: within }).catch(unlessMissing)
          if (all !== null) await sieve.pass(all, out, [rootOf(path)], as)
          else if (outputs.length > 1) sieve.leaveOut(path, 'was not there when the container ended')
          if (all === null) missing += 1
        }
        if (isAll && missing === some.length) throw nothingAt(some)
      }
      const tar = async () => ({ tar: tarOf(write), leftOut: sieve.leftOut })
      return await spool.keep(owner, tar, outputTarBytes(storageBytes), within)
    }
    const leftOut: LeftOut[] = []
    for (const one of outputs) {
      if (one.to === undefined) continue
      const write = async (owner: OutputOwner) => await keep(owner, [one], true, sending.signal)
      const going = { name: one.name, to: one.to, keys: lease.outputKeys }
      const gone = await sendOne({ spool, outside, clock, logger }, record, going, write, sending.signal)
      sent.push(gone.sent)
      leftOut.push(...gone.leftOut)
    }
    sending.clear()
    signal.throwIfAborted()
    limit = deadline(clock, outputReadingMs(storageBytes), until)
    // What did not go is kept as if it had not been to.
    const left = outputs.filter(({ name: as }) => !sent.some((one) => one.name === as && one.problem === ''))
    if (left.length === 0) return { problem: '', leftOut: leftOut.slice(0, MAX_LEFT_OUT), sent }
    const kept = await keep(ownerOf(record), left, left.length === outputs.length, limit.signal)
    return { kept, problem: '', leftOut: [...leftOut, ...kept.leftOut].slice(0, MAX_LEFT_OUT), sent }
  } catch (error) {
    signal.throwIfAborted()
    const problem = until.aborted ? OUTPUT_PROBLEMS.cancelled.message : problemOf(error, limit?.signal.aborted === true)
    logger.info({ lease: id, problem, error: String(error) }, 'outputs were not kept')
    return { problem, leftOut: [], sent }
  } finally {
    sending.clear()
    limit?.clear()
    enough.clear()
  }
}

function ownerOf({ jobId, fence, requester }: LeaseRecord): OutputOwner {
  return { jobId, fence, requester }
}

/** Writes one down, sends it, and forgets it again. */
async function sendOne(
  components: SendComponents & { spool: OutputSpool },
  record: LeaseRecord,
  { name, ...destination }: { name: string; to: OutputTarget; keys: Destination['keys'] },
  keep: (owner: OutputOwner) => Promise<KeptOutput>,
  signal: AbortSignal,
): Promise<{ sent: SentOutput; leftOut: LeftOut[] }> {
  const owner = { ...ownerOf(record), sentName: name }
  const failed = (why: NotSent) => ({ sent: { name, bytes: 0, sha256: '', objects: 0, ...why }, leftOut: [] })
  const obstacle = obstacleTo(destination)
  if (obstacle !== null) return failed(obstacle)
  try {
    const kept = await keep(owner)
    const gone = await sendKept(components, { owner, kept, name }, destination, signal)
    if ('problem' in gone) return failed(gone)
    const { leftOut, ...what } = gone
    return { sent: { name, ...what, problem: '', reason: '' }, leftOut: [...kept.leftOut, ...leftOut] }
  } catch (error) {
    const problem = error instanceof OutputProblem ? error.message : 'it could not be read'
    return failed({ reason: 'not-read', problem })
  } finally {
    await components.spool.drop(owner)
  }
}

function problemOf(error: unknown, isLate: boolean): string {
  if (error instanceof OutputProblem) return error.message
  return OUTPUT_PROBLEMS[isLate ? 'not-in-time' : 'unreadable'].message
}

/** Null where there is nothing at the path. @throws anything else */
function unlessMissing(error: unknown): null {
  if (isMissing(error)) return null
  throw error
}

function nothingAt(outputs: { path: string }[]): OutputProblem {
  const paths = outputs.map(({ path }) => path).join(', ')
  return new OutputProblem(OUTPUT_PROBLEMS['nothing-there'].message.replace('PATHS', () => paths))
}
