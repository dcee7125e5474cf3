import type { Clock } from '../../node/clock.ts'
import type { Requester } from '../../node/market/index.ts'
import { JobNotFoundError, type JobRecord, JobStateError, type JobStore } from '../../node/store/index.ts'
import { isTerminal, type JobStatus } from '../../protocol/lifecycle.ts'
import { type BatchRecord, countStatuses } from './batch-records.ts'
import type { BatchStore, Tracked } from './batch-store.ts'

/** Jobs that are cancelled or read at a time. */
const AT_A_TIME = 64

/** What {@link createBatchSteps} works with. */
export interface BatchStepsComponents {
  store: Pick<JobStore, 'get'>
  requester: Pick<Requester, 'release' | 'cancel'>
  batches: BatchStore
  clock: Clock
}

/** What is done with one batch, whose steps follow each other. */
export interface BatchSteps {
  /** Reads how its jobs are. */
  read(batch: Tracked, members: string[]): Promise<void>
  /** Releases, cancels and ends what there is to; answers whether the batch has ended. */
  moveOn(batch: Tracked): Promise<boolean>
  /** A job of it is in this status by now. */
  see(batch: Tracked, id: string, status: JobStatus): void
  /** Ends its jobs, and forgets it. */
  undo(record: BatchRecord, members: string[]): Promise<void>
}

/** Whoever calls sees to it that the steps of one batch follow each other. */
export function createBatchSteps({ store, requester, batches, clock }: BatchStepsComponents): BatchSteps {
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

  async function finish({ record, statuses }: Tracked): Promise<void> {
    const status = record.status === 'cancelling' ? 'cancelled' : 'completed'
    const members = await batches.members(record.id)
    await batches.keepOutcomes(
      record.id,
      members.map((id) => statuses.get(id) ?? null),
    )
    await batches.put({ ...record, status, counts: countStatuses(statuses.values()), endedAtMs: clock.nowMs() })
  }

  return {
    see,
    async read(batch, members) {
      await inChunks(members, async (id) => {
        const job = await store.get(id)
        if (job !== undefined) batch.statuses.set(id, job.state.status)
        if (job === undefined || isTerminal(job.state.status) || isHeld(job)) return
        batch.active.add(id)
      })
      batch.waiting = members.filter((id) => batch.statuses.get(id) === 'pending' && !batch.active.has(id))
    },
    async moveOn(batch) {
      if (batch.record.status === 'cancelling') await cancelAll(batch)
      while (batch.waiting.length > 0 && batch.active.size < batch.record.concurrency) {
        await release(batch, batch.waiting.shift() as string)
      }
      if (batch.waiting.length > 0 || batch.active.size > 0) return false
      await finish(batch)
      return true
    },
    async undo(record, members) {
      await inChunks(members, async (id) => {
        await cancelled(requester, id)
      })
      await batches.remove(record)
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
