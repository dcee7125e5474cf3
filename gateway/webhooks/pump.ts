import type { Directory } from '../../node/directory/index.ts'
import type { FeedEntry, JobRecord, JobStore } from '../../node/store/index.ts'
import { isTerminal, type JobEventType } from '../../protocol/lifecycle.ts'
import type { WebhookEvent } from '../contract/webhook-events.ts'
import { followFeed, followSource } from '../events/index.ts'
import { jobView } from '../jobs/index.ts'
import type { ProviderLog } from '../providers/index.ts'
import { type Database, openMeta, write } from '../records/table.ts'
import type { Enqueue, Happening } from './enqueue.ts'

const BATCH = 100
const JOBS_POSITION = 'webhooks-feed'
const PROVIDERS_POSITION = 'webhooks-providers'

/** What a job's event is called where webhooks are told of it. */
const JOB_EVENTS: Partial<Record<JobEventType, WebhookEvent[]>> = {
  created: ['job.created', 'job.status.changed'],
  scheduled: ['job.scheduled', 'job.status.changed'],
  started: ['job.started', 'job.status.changed'],
  expired: ['job.expired'],
  lost: ['job.status.changed'],
  completed: ['job.completed', 'job.status.changed'],
  failed: ['job.failed', 'job.status.changed'],
  cancelled: ['job.cancelled', 'job.status.changed'],
}

/** What {@link createPump} works with. */
export interface PumpComponents {
  store: Pick<JobStore, 'feed' | 'onFeed' | 'feedEnd' | 'get'>
  directory: Directory
  providerLog: ProviderLog
  db: Database
  enqueue: Enqueue
  /** Told of each job that has ended. */
  onEnded: (job: JobRecord) => Promise<void>
}

/**
 * Turns what happens into queued deliveries. The deliveries and the position they came from are written in one batch, so
 * each event is queued exactly once, also over a crash.
 */
export function createPump(components: PumpComponents) {
  const { store, directory, providerLog, db, enqueue, onEnded } = components
  const meta = openMeta(db)

  /** Where the pumps begin, the first time: what happened before is nobody's news. */
  async function begin(): Promise<void> {
    if ((await meta.get(JOBS_POSITION)) !== undefined) return
    const positions = { [JOBS_POSITION]: store.feedEnd(), [PROVIDERS_POSITION]: providerLog.end() }
    await db.batch(Object.entries(positions).map(([name, position]) => write(meta, name, String(position))))
  }

  // A log that was put back to a backup, or mended, may end before what was read of it.
  async function pumpJobs(signal: AbortSignal): Promise<void> {
    const from = Math.min(Number(await meta.get(JOBS_POSITION)), store.feedEnd())
    for await (const entries of followFeed(store, from, signal)) {
      const happenings = await Promise.all(entries.map(jobHappening))
      await enqueue(happenings, [write(meta, JOBS_POSITION, String(entries.at(-1)?.position ?? from))])
    }
  }

  async function jobHappening({ jobId, owner, event }: FeedEntry): Promise<Happening> {
    const job = await store.get(jobId)
    if (job !== undefined && isTerminal(job.state.status)) await onEnded(job)
    const data = job === undefined ? {} : { job: jobView(job, directory) }
    return { types: JOB_EVENTS[event.type] ?? [], owner, timestampMs: event.timestampMs, data, subject: jobId }
  }

  async function pumpProviders(signal: AbortSignal): Promise<void> {
    let last = Math.min(Number(await meta.get(PROVIDERS_POSITION)), providerLog.end())
    const source = {
      read: async () => await providerLog.read(last, BATCH),
      ended: async () => false,
      onChange: providerLog.onChange,
    }
    for await (const events of followSource(source, signal)) {
      last = events.at(-1)?.seq ?? last
      const happenings = events.map(({ type, timestampMs, provider }) => {
        return { types: [type], owner: null, timestampMs, data: { provider }, subject: provider.id }
      })
      await enqueue(happenings, [write(meta, PROVIDERS_POSITION, String(last))])
    }
  }

  return { begin, pumpJobs, pumpProviders }
}
