import type { Clock } from '../../node/clock.ts'
import type { JobRecord, JobStore } from '../../node/store/index.ts'
import type { StillToRun } from '../../node/uploads/index.ts'
import { inputsAsked } from '../../protocol/job-inputs.ts'

/** How long what was found is believed, in ms: schedules and templates change. Jobs that come meanwhile are added. */
const KNOWN_MS = 10_000
/** Where reading all of it takes long, no more than this share of the time goes into that. */
const READING_SHARE = 1 / 10
/** Events read at a time. */
const BATCH = 500

/** What {@link createNeeded} works with. */
export interface NeededComponents {
  store: Pick<JobStore, 'active' | 'feedEnd' | 'feed' | 'get'>
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
  let position = 0
  let againAtMs = Number.NEGATIVE_INFINITY

  function note(into: Set<string>, { spec }: Pick<StillToRun, 'spec'>): void {
    for (const { from } of inputsAsked(spec)) if (from.job !== undefined) into.add(from.job)
  }

  async function readAll(): Promise<void> {
    const beganAtMs = clock.monotonicMs()
    position = store.feedEnd()
    const found = new Set<string>()
    for await (const job of store.active()) note(found, job)
    for await (const one of stillToRun()) note(found, one)
    named = found
    const endedAtMs = clock.monotonicMs()
    againAtMs = endedAtMs + Math.max(KNOWN_MS, (endedAtMs - beganAtMs) / READING_SHARE)
  }

  async function addNewJobs(): Promise<void> {
    let entries = await store.feed(position, BATCH)
    for (; entries.length > 0; entries = await store.feed(position, BATCH)) {
      for (const { position: at, jobId, event } of entries) {
        position = at
        const job = event.type === 'created' ? await store.get(jobId) : undefined
        if (job !== undefined) note(named, job)
      }
    }
  }

  return async ({ id, origin, spec }) => {
    if (origin.batch !== undefined && (await batchGoesOn(origin.batch))) return true
    if (spec.outputs === undefined) return false
    if (clock.monotonicMs() >= againAtMs) await readAll()
    await addNewJobs()
    return named.has(id)
  }
}
