import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import type { Requester } from '../../node/market/index.ts'
import type { FeedEntry, JobStore } from '../../node/store/index.ts'
import { createKeyedQueue } from '../../node/store/keyed-queue.ts'
import type { JobStatus } from '../../protocol/lifecycle.ts'
import { followFeed } from '../events/index.ts'
import { type BatchRecord, countStatuses, type Outcomes, type StatusCounts } from './batch-records.ts'
import { createBatchSteps } from './batch-steps.ts'
import type { BatchStore, Tracked } from './batch-store.ts'

/**
 * Releases the jobs of each batch in order, as many at a time as its concurrency says. Whether a job is held is kept with
 * the job, so after a crash it is read again and nothing is released twice or too early.
 */
export interface BatchRunner {
  /** Takes up the batches that earlier runs left; what was being prepared is undone. */
  start(): Promise<void>
  /** Follows the jobs until the signal aborts; call after `start`. */
  run(signal: AbortSignal): Promise<void>
  /** A batch whose jobs are all there. */
  add(record: BatchRecord, members: string[]): Promise<void>
  /** Cancels what has not ended; resolves when that is written down, and goes on by itself. */
  cancel(record: BatchRecord): Promise<BatchRecord>
  /** Ends the jobs of a batch that is not to be, and forgets it. */
  undo(record: BatchRecord, members: string[]): Promise<void>
  counts(record: BatchRecord): Promise<StatusCounts>
  /** How each of its jobs is, in the order of `members`. */
  outcomes(record: BatchRecord, members: string[]): Promise<Outcomes>
  /** Resolves when what is under way is done. */
  idle(): Promise<void>
}

/** What {@link createBatchRunner} works with. */
export interface BatchRunnerComponents {
  store: Pick<JobStore, 'get' | 'look' | 'feed' | 'feedEnd' | 'onFeed'>
  requester: Pick<Requester, 'release' | 'cancel'>
  batches: BatchStore
  clock: Clock
  logger: Logger
}

/** Does nothing before its `start` and `run`. */
export function createBatchRunner(components: BatchRunnerComponents): BatchRunner {
  const { store, batches, logger } = components
  const steps = createBatchSteps(components)
  const tracked = new Map<string, Tracked>()
  const batchOf = new Map<string, Tracked>()
  const queue = createKeyedQueue()
  const underway = new Set<Promise<void>>()
  let feedFrom = 0

  /** One step of a batch after another; what it throws is logged, and looked at again with the batch's next event. */
  function inTurn(id: string, step: () => Promise<void>): void {
    const done = queue
      .run(id, step)
      .catch((error: unknown) => logger.error({ batchId: id, err: error }, 'a batch could not be moved on'))
      .finally(() => underway.delete(done))
    underway.add(done)
  }

  async function track(record: BatchRecord, members: string[]): Promise<void> {
    const batch: Tracked = { record, statuses: new Map(), waiting: [], active: new Set() }
    await queue.run(record.id, async () => {
      // Listening begins before the reading, and what is heard meanwhile waits for its turn.
      for (const id of members) batchOf.set(id, batch)
      tracked.set(record.id, batch)
      await steps.read(batch, members)
    })
    inTurn(record.id, async () => await moveOn(batch))
  }

  async function moveOn(batch: Tracked): Promise<void> {
    if (!(await steps.moveOn(batch))) return
    tracked.delete(batch.record.id)
    for (const id of batch.statuses.keys()) batchOf.delete(id)
  }

  async function note({ jobId }: FeedEntry): Promise<void> {
    const batch = batchOf.get(jobId)
    if (batch === undefined) return
    inTurn(batch.record.id, async () => {
      const status = (await store.get(jobId))?.state.status
      if (status === undefined || !tracked.has(batch.record.id)) return
      steps.see(batch, jobId, status)
      await moveOn(batch)
    })
  }

  /** Of a batch that ended before outcomes were kept. */
  async function readOutcomes({ id }: BatchRecord, members: string[]): Promise<Outcomes> {
    const statuses = new Map<string, JobStatus>()
    await store.look(members, (job) => statuses.set(job.id, job.state.status))
    const outcomes = members.map((member) => statuses.get(member) ?? null)
    await batches.keepOutcomes(id, outcomes)
    return outcomes
  }

  return {
    undo: steps.undo,
    async start() {
      // Read before the jobs are, so that nothing that happens meanwhile is missed.
      feedFrom = store.feedEnd()
      for await (const record of batches.all()) {
        if (record.endedAtMs !== null) continue
        const members = await batches.members(record.id)
        if (record.status === 'preparing') await steps.undo(record, members)
        else await track(record, members)
      }
    },
    async run(signal) {
      for await (const entries of followFeed(store, feedFrom, signal)) {
        for (const entry of entries) await note(entry)
      }
    },
    add: async (record, members) => await track(record, members),
    async cancel(record) {
      const batch = tracked.get(record.id)
      const cancelling: BatchRecord = { ...record, status: 'cancelling' }
      await batches.put(cancelling)
      if (batch === undefined) await track(cancelling, await batches.members(record.id))
      else {
        batch.record = cancelling
        inTurn(record.id, async () => await moveOn(batch))
      }
      return cancelling
    },
    async counts(record) {
      if (record.counts !== null) return record.counts
      const batch = tracked.get(record.id)
      if (batch !== undefined) return countStatuses(batch.statuses.values())
      const ended = await batches.get(record.id)
      return ended?.counts ?? countStatuses([])
    },
    async outcomes(record, members) {
      const statuses = tracked.get(record.id)?.statuses
      if (statuses !== undefined) return members.map((id) => statuses.get(id) ?? null)
      return (await batches.outcomes(record.id)) ?? (await readOutcomes(record, members))
    },
    async idle() {
      while (underway.size > 0) await Promise.all(underway)
    },
  }
}
