import { isJobId } from '../../../protocol/ids.ts'
import type { Clock } from '../../clock.ts'
import type { JobRecord, JobStore } from '../../store/index.ts'
import { jobNow } from '../../store/job-now.ts'
import { givesWay, type Held } from './gives-way.ts'
import type { NoteOutput } from './note.ts'
import type { KeptFile, OutputFolder } from './output-folder.ts'
import { NoRoomError, type OutputRoom, roomMessage } from './room.ts'

/** For how long outputs are kept. */
export interface ForgettingInit {
  /** How long one is kept, in ms. */
  retentionMs: number
}

/** Lets go of outputs: for newer ones, and for their age. */
export interface Forgetting {
  /**
   * @param one what is about to come
   * @param arriving all that is on its way here at the moment, which counts and stays; `one` is among it
   * @throws {NoRoomError} where it does not fit, and nothing has gone for it
   */
  makeRoom(one: Held, arriving: Held[]): Promise<void>
  forgetOld(): Promise<void>
}

/** Notes with each job that what it left is lost now, and why. */
export function createForgetting(
  components: { folder: OutputFolder; room: OutputRoom; store: Pick<JobStore, 'get'>; note: NoteOutput; clock: Clock },
  { retentionMs }: ForgettingInit,
): Forgetting {
  const { folder, room, store, note, clock } = components

  async function jobOf(id: string): Promise<JobRecord | undefined> {
    return isJobId(id) ? await store.get(id) : undefined
  }

  async function forget(jobId: string, message: string): Promise<void> {
    await folder.remove(jobId, 'tar')
    const job = await jobOf(jobId)
    const leftOut = job?.output?.leftOut ?? []
    // What went by age or for lack of room was kept once: no event.
    if (job !== undefined) await note(jobId, { state: 'lost', bytes: 0, message, leftOut }, leftOut.length)
  }

  const withOwner = async (one: KeptFile): Promise<Held> => ({ ...one, owner: (await jobOf(one.jobId))?.owner ?? '' })

  /** By the file's time, and by the job's own: a wall clock that was set forward makes nothing old. */
  async function isOver({ jobId, keptAtMs }: KeptFile): Promise<boolean> {
    if (clock.nowMs() - keptAtMs <= retentionMs) return false
    const job = await jobOf(jobId)
    return job === undefined || !('endedAtMs' in job.state) || jobNow(clock, job) - job.state.endedAtMs > retentionMs
  }

  return {
    async makeRoom(one, arriving) {
      const roomBytes = await room.bytes()
      const whole = await folder.list('tar')
      const parts = (await folder.list('part')).filter(({ jobId }) => !arriving.some((one) => one.jobId === jobId))
      const all = [...whole, ...parts, ...arriving]
      if (all.reduce((sum, { bytes }) => sum + bytes, 0) > roomBytes) {
        // What broke off goes first: it can be asked for again.
        const held = await Promise.all([...parts, ...whole].map(withOwner))
        const going = givesWay(one, held, arriving, roomBytes)
        if (going === null) throw new NoRoomError(roomMessage(one, roomBytes))
        for (const { jobId } of going) {
          if (parts.some((part) => part.jobId === jobId)) await folder.remove(jobId, 'part')
          else await forget(jobId, 'The outputs gave way to newer ones: --output-room says how many are kept')
        }
      }
      await room.assertDisk(one, arriving)
    },
    async forgetOld() {
      for (const one of await folder.list('tar')) {
        if (await isOver(one)) await forget(one.jobId, 'The outputs were kept for as long as they are')
      }
    },
  }
}
