import type { Clock } from '../../node/clock.ts'
import type { JobRecord, JobStore } from '../../node/store/index.ts'
import type { StillToRun } from '../../node/uploads/index.ts'
import { inputsAsked } from '../../protocol/job-inputs.ts'

/** How long what was found is believed while no job changes, in ms: schedules and templates change, too. */
const KNOWN_MS = 10_000

/** What {@link createNeeded} works with. */
export interface NeededComponents {
  store: Pick<JobStore, 'active' | 'feedEnd'>
  /** Jobs that may come of what is kept, such as schedules. */
  stillToRun(): AsyncIterable<StillToRun>
  /** Whether the batch of this id has not ended. */
  batchGoesOn(id: string): Promise<boolean>
  clock: Pick<Clock, 'monotonicMs'>
}

/** Tells of a job that has ended whether something needs it still: what brings its output, or the batch that counts it. */
export function createNeeded(components: NeededComponents): (job: JobRecord) => Promise<boolean> {
  const { store, stillToRun, batchGoesOn, clock } = components
  let named = new Set<string>()
  let known = { feedEnd: -1, atMs: 0 }

  async function read(): Promise<void> {
    const now = { feedEnd: store.feedEnd(), atMs: clock.monotonicMs() }
    if (known.feedEnd === now.feedEnd && now.atMs - known.atMs < KNOWN_MS) return
    const found = new Set<string>()
    const note = ({ spec }: Pick<StillToRun, 'spec'>): void => {
      for (const { from } of inputsAsked(spec)) if (from.job !== undefined) found.add(from.job)
    }
    for await (const job of store.active()) note(job)
    for await (const one of stillToRun()) note(one)
    named = found
    known = now
  }

  return async ({ id, origin, spec }) => {
    if (origin.batch !== undefined && (await batchGoesOn(origin.batch))) return true
    if (spec.outputs === undefined) return false
    await read()
    return named.has(id)
  }
}
