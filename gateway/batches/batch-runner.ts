import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import type { Requester } from '../../node/market/index.ts'
import {
  type FeedEntry,
  JobNotFoundError,
  type JobRecord,
  JobStateError,
  type JobStore,
} from '../../node/store/index.ts'
import { createKeyedQueue } from '../../node/store/keyed-queue.ts'
import { isTerminal, type JobStatus } from '../../protocol/lifecycle.ts'
import { followFeed } from '../feed/feed.ts'
import { type BatchRecord, countStatuses, type StatusCounts } from './batch-records.ts'
import type { BatchStore, Tracked } from './batch-store.ts'

/** Jobs that are cancelled or read at a time. */
const AT_A_TIME = 64

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
  /** Resolves when what is under way is done. */
  idle(): Promise<void>
}

export interface BatchRunnerComponents {
  store: Pick<JobStore, 'get' | 'feed' | 'feedEnd' | 'onFeed'>
  requester: Pick<Requester, 'release' | 'cancel'>
  batches: BatchStore
  clock: Clock
  logger: Logger
}

export function createBatchRunner(components: BatchRunnerComponents): BatchRunner {
  const { store, requester, batches, clock, logger } = components
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
      await inChunks(members, async (id) => {
        const job = await store.get(id)
        if (job !== undefined) batch.statuses.set(id, job.state.status)
        if (job === undefined || isTerminal(job.state.status) || isHeld(job)) return
        batch.active.add(id)
      })
      batch.waiting = members.filter((id) => batch.statuses.get(id) === 'pending' && !batch.active.has(id))
    })
    inTurn(record.id, async () => await moveOn(batch))
  }

  async function moveOn(batch: Tracked): Promise<void> {
    if (batch.record.status === 'cancelling') await cancelAll(batch)
    while (batch.waiting.length > 0 && batch.active.size < batch.record.concurrency) {
      await release(batch, batch.waiting.shift() as string)
    }
    if (batch.waiting.length === 0 && batch.active.size === 0) await finish(batch)
  }

  async function release(batch: Tracked, id: string): Promise<void> {
    // Counted before it is released, so that there are never more.
    batch.active.add(id)
    try {
      see(batch, id, (await requester.release(id)).state.status)
    } catch (error) {
      batch.active.delete(id)
      batch.waiting.unshift(id)
      throw error
    }
  }

  function see(batch: Tracked, id: string, status: JobStatus): void {
    batch.statuses.set(id, status)
    if (isTerminal(status)) batch.active.delete(id)
  }

  async function cancelAll(batch: Tracked): Promise<void> {
    batch.waiting = []
    const open = [...batch.statuses].filter(([, status]) => !isTerminal(status)).map(([id]) => id)
    await inChunks(open, async (id) => {
      const job = await cancelled(requester, id)
      if (job !== null) see(batch, id, job.state.status)
    })
  }

  async function finish(batch: Tracked): Promise<void> {
    const { record, statuses } = batch
    const status = record.status === 'cancelling' ? 'cancelled' : 'completed'
    await batches.put({ ...record, status, counts: countStatuses(statuses.values()), endedAtMs: clock.nowMs() })
    tracked.delete(record.id)
    for (const id of statuses.keys()) batchOf.delete(id)
  }

  async function note({ jobId }: FeedEntry): Promise<void> {
    const batch = batchOf.get(jobId)
    if (batch === undefined) return
    inTurn(batch.record.id, async () => {
      const status = (await store.get(jobId))?.state.status
      if (status === undefined || !tracked.has(batch.record.id)) return
      see(batch, jobId, status)
      await moveOn(batch)
    })
  }

  async function undo(record: BatchRecord, members: string[]): Promise<void> {
    await inChunks(members, async (id) => {
      await cancelled(requester, id)
    })
    await batches.remove(record)
  }

  return {
    undo,
    async start() {
      // Read before the jobs are, so that nothing that happens meanwhile is missed.
      feedFrom = store.feedEnd()
      for (const record of await batches.all()) {
        if (record.endedAtMs !== null) continue
        const members = await batches.members(record.id)
        if (record.status === 'preparing') await undo(record, members)
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
    async idle() {
      while (underway.size > 0) await Promise.all(underway)
    },
  }
}

/** The job after its cancellation was asked for; null where it had ended, or never was. */
async function cancelled(requester: Pick<Requester, 'cancel'>, id: string): Promise<JobRecord | null> {
  try {
    return await requester.cancel(id)
  } catch (error) {
    if (error instanceof JobStateError || error instanceof JobNotFoundError) return null
    throw error
  }
}

function isHeld({ state }: JobRecord): boolean {
  return state.status === 'pending' && state.held === true
}

async function inChunks(ids: string[], task: (id: string) => Promise<void>): Promise<void> {
  for (let i = 0; i < ids.length; i += AT_A_TIME) await Promise.all(ids.slice(i, i + AT_A_TIME).map(task))
}
