import { appendFile } from 'node:fs/promises'
import { outputRoots } from '../../../protocol/job-outputs.ts'
import { resourcesOf } from '../../../protocol/job-spec.ts'
import type { LeftOut } from '../../../protocol/left-out.ts'
import { MAX_LEFT_OUT } from '../../../protocol/limits.ts'
import { shownBytes } from '../../../protocol/units.ts'
import { retried } from '../../backoff.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import type { PeerNetwork } from '../../network/index.ts'
import type { JobRecord, Lease } from '../../store/index.ts'
import { jobNow } from '../../store/job-now.ts'
import { leaseOf } from '../../store/records.ts'
import { type JobOutput, lostOutput, notSent, outputTarBytes } from '../index.ts'
import { siftFile } from '../sift.ts'
import { createTurns } from '../turns.ts'
import { fetchOutput, OutputGoneError } from './fetch.ts'
import type { Forgetting } from './forgetting.ts'
import type { Held } from './gives-way.ts'
import type { NoteOutput } from './note.ts'
import type { OutputFolder } from './output-folder.ts'
import { NoRoomError } from './room.ts'

/** Outputs that are fetched at a time: in all, and of one owner or from one provider, so that none holds up the others. */
const TURNS = { all: 16, each: 2 }
/** Tries to fetch one, the pause between two growing to a minute: about as long as a provider keeps it. */
const MOST_TRIES = 10_000
const PAUSE = { minMs: 200, maxMs: 60_000 }

/** What waits for room is given up so long after its job's end, in ms: no provider keeps it longer of itself. */
const HELD_MS = 7 * 24 * 3_600_000

/** What {@link createBringing} works with. */
export interface BringingComponents {
  network: PeerNetwork
  clock: Clock
  logger: Logger
  folder: OutputFolder
  note: NoteOutput
  makeRoom: Forgetting['makeRoom']
}

/**
 * Brings the output of an ended job here from its provider, and notes what became of it. Answers `held` where there is no room
 * for it, and the provider goes on keeping it.
 */
export function createBringing(
  components: BringingComponents,
  signal: AbortSignal,
): (job: JobRecord, output: JobOutput) => Promise<'settled' | 'held'> {
  const { network, clock, logger, folder, note, makeRoom } = components
  const turns = createTurns(TURNS)
  /** On their way here at the moment, by job. */
  const arriving = new Map<string, Held>()

  async function fetchOnce(job: JobRecord, lease: Lease, bytes: number): Promise<LeftOut[]> {
    signal.throwIfAborted()
    const part = folder.partOf(job.id)
    let odd: LeftOut[] = []
    const one = { jobId: job.id, owner: job.owner, bytes, keptAtMs: clock.nowMs() }
    arriving.set(job.id, one)
    try {
      await makeRoom(one, [...arriving.values()])
      if (job.output?.state === 'held')
        await note(job.id, { ...job.output, state: 'waiting', message: '' }, Number.POSITIVE_INFINITY)
      await appendFile(part, '', { mode: 0o600 })
      await fetchOutput({ network, clock }, { jobId: job.id, lease, bytes, part, signal }, async () => {
        odd = await sifted(job, part, async () => {
          const twice = { ...one, bytes: 2 * bytes }
          arriving.set(job.id, twice)
          await makeRoom(twice, [...arriving.values()])
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
      !(error instanceof OutputGoneError || error instanceof NoRoomError) && attempt < MOST_TRIES
    return await retried(clock, signal, worthAnother, inTurn, PAUSE)
  }

  const isOverdue = (job: JobRecord): boolean =>
    'endedAtMs' in job.state && jobNow(clock, job) - job.state.endedAtMs > HELD_MS

  return async (job, { bytes, leftOut: before = [], sent }) => {
    const lease = leaseOf(job)
    const { outputs } = job.spec
    if (lease === null || outputs === undefined) return 'settled'
    const lose = async (message: string): Promise<'settled'> => {
      await note(job.id, lostOutput(notSent(outputs, sent), message, before), before.length)
      return 'settled'
    }
    // The provider says how large it is: never more than what the job could have written.
    const mostBytes = outputTarBytes(resourcesOf(job.spec).storageBytes)
    if (bytes > mostBytes)
      return await lose(`The outputs are larger than ${shownBytes(mostBytes)}, all that the job may write`)
    try {
      const odd = await fetch(job, lease, bytes)
      const size = await folder.sizeOf(job.id)
      if (size === null) throw new Error('The tar has gone again')
      const leftOut = [...before, ...odd].slice(0, MAX_LEFT_OUT + 1)
      await note(job.id, { state: 'kept', bytes: size, message: '', leftOut }, before.length)
      return 'settled'
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof NoRoomError) {
        if (isOverdue(job)) return await lose(`${error.message}: that took too long`)
        logger.warn({ jobId: job.id, why: error.message }, 'an output waits at its provider for room')
        await note(job.id, { state: 'held', bytes, message: error.message, leftOut: before }, before.length)
        return 'held'
      }
      logger.warn({ jobId: job.id, error: String(error) }, 'an output is lost')
      return await lose(error instanceof OutputGoneError ? error.message : 'The outputs could not be fetched')
    }
  }
}

/**
 * Takes out of a tar that has come what has no place in it. @param onCopy told before it is written anew for that
 * @throws {OutputGoneError} where it is no tar, or there is no room to write it anew
 */
async function sifted(job: JobRecord, part: string, onCopy: () => Promise<void>): Promise<LeftOut[]> {
  return await siftFile(part, { roots: outputRoots(job.spec.outputs) }, onCopy).catch((error: unknown) => {
    if (error instanceof NoRoomError) {
      throw new OutputGoneError(`The provider sent what has no place in it, and to take that out, ${error.message}`)
    }
    throw new OutputGoneError(`The provider sent what is no tar (${String(error)})`)
  })
}
