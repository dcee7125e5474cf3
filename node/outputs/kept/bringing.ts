import { appendFile } from 'node:fs/promises'
import { outputRoots } from '../../../protocol/job-outputs.ts'
import { resourcesOf } from '../../../protocol/job-spec.ts'
import type { LeftOut } from '../../../protocol/left-out.ts'
import { MAX_LEFT_OUT } from '../../../protocol/limits.ts'
import { retried } from '../../backoff.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import type { PeerNetwork } from '../../network/index.ts'
import type { JobRecord, Lease } from '../../store/index.ts'
import { leaseOf } from '../../store/records.ts'
import { type JobOutput, lostOutput, outputTarBytes } from '../index.ts'
import { siftFile } from '../sift.ts'
import { createTurns } from '../turns.ts'
import { fetchOutput, OutputGoneError } from './fetch.ts'
import type { Forgetting } from './forgetting.ts'
import type { Held } from './gives-way.ts'
import type { NoteOutput } from './note.ts'
import type { OutputFolder } from './output-folder.ts'

const MIB = 2 ** 20
/** Outputs that are fetched at a time: in all, and of one owner or from one provider, so that none holds up the others. */
const TURNS = { all: 16, each: 2 }
/** Tries to fetch one, the pause between two growing to a minute: about as long as a provider keeps it. */
const MOST_TRIES = 10_000
const PAUSE = { minMs: 200, maxMs: 60_000 }

/** What {@link createBringing} works with. */
export interface BringingComponents {
  network: PeerNetwork
  clock: Clock
  logger: Logger
  folder: OutputFolder
  note: NoteOutput
  makeRoom: Forgetting['makeRoom']
}

/** Brings the output of an ended job here from its provider, and notes what became of it. */
export function createBringing(
  components: BringingComponents,
  { maxOutputBytes }: { maxOutputBytes: number },
  signal: AbortSignal,
): (job: JobRecord, output: JobOutput) => Promise<void> {
  const { network, clock, logger, folder, note, makeRoom } = components
  const turns = createTurns(TURNS)
  /** On their way here at the moment, by job. */
  const arriving = new Map<string, Held>()

  async function fetchOnce(job: JobRecord, lease: Lease, bytes: number): Promise<LeftOut[]> {
    signal.throwIfAborted()
    const part = folder.partOf(job.id)
    let odd: LeftOut[] = []
    arriving.set(job.id, { jobId: job.id, owner: job.owner, bytes, keptAtMs: clock.nowMs() })
    try {
      await makeRoom([...arriving.values()])
      await appendFile(part, '', { mode: 0o600 })
      await fetchOutput({ network, clock }, { jobId: job.id, lease, bytes, part, signal }, async () => {
        odd = await siftFile(part, { roots: outputRoots(job.spec.outputs) }).catch((error: unknown) => {
          throw new OutputGoneError(`The provider sent what is no tar (${String(error)})`)
        })
        await folder.arrived(job.id)
      })
      return odd
    } finally {
      arriving.delete(job.id)
    }
  }

  /** Answers what of it this peer does not keep. A provider that is away takes no turn while it is waited for. */
  async function fetch(job: JobRecord, lease: Lease, bytes: number): Promise<LeftOut[]> {
    // A crash may have come between the tar's arrival and the note of it.
    if ((await folder.sizeOf(job.id)) !== null) return []
    const holders = [`owner ${job.owner}`, `provider ${lease.provider}`]
    const inTurn = async () => await turns.take(holders, async () => await fetchOnce(job, lease, bytes), signal)
    const worthAnother = (error: unknown, attempt: number): boolean =>
      !(error instanceof OutputGoneError) && attempt < MOST_TRIES
    return await retried(clock, signal, worthAnother, inTurn, PAUSE)
  }

  return async (job, { bytes, leftOut: before = [] }) => {
    const lease = leaseOf(job)
    const { outputs } = job.spec
    if (lease === null || outputs === undefined) return
    const lose = async (message: string) => await note(job.id, lostOutput(outputs, message, before), before.length)
    // The provider says how large it is: never more than what the job could have written.
    const mostBytes = Math.min(maxOutputBytes, outputTarBytes(resourcesOf(job.spec).storageBytes))
    if (bytes > mostBytes) {
      const message = `The outputs are larger than the ${Math.floor(mostBytes / MIB)} MiB that are kept here`
      return await lose(message)
    }
    try {
      const odd = await fetch(job, lease, bytes)
      const size = await folder.sizeOf(job.id)
      if (size === null) throw new Error('The tar has gone again')
      const leftOut = [...before, ...odd].slice(0, MAX_LEFT_OUT + 1)
      await note(job.id, { state: 'kept', bytes: size, message: '', leftOut }, before.length)
    } catch (error) {
      signal.throwIfAborted()
      logger.warn({ jobId: job.id, error: String(error) }, 'an output is lost')
      await lose(error instanceof OutputGoneError ? error.message : 'The outputs could not be fetched')
    }
  }
}
