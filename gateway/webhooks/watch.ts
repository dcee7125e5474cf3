import type { Clock } from '../../node/clock.ts'
import type { Directory } from '../../node/directory/index.ts'
import type { JobRecord, JobStore } from '../../node/store/index.ts'
import { createKeyedQueue } from '../../node/store/keyed-queue.ts'
import { jobView } from '../jobs/index.ts'
import { type Database, openTable, write } from '../records/table.ts'
import type { Enqueue, Happening } from './enqueue.ts'
import type { WebhookRecord } from './webhook-records.ts'
import type { WebhookStore } from './webhook-store.ts'

/** How often costs and the gateway's own state are looked at, in ms. */
const EVERY_MS = 10_000
/** How long something must be wrong before it is an alert, in ms: providers come and go, and a start knows none. */
const ALERT_AFTER_MS = 60_000
/** Without a threshold of its own, a webhook hears when a job has cost this share of what it may cost. */
const DEFAULT_SHARE = 0.8

/** What {@link createWatch} works with. */
export interface WatchComponents {
  store: Pick<JobStore, 'active' | 'problem'>
  directory: Directory
  db: Database
  webhooks: WebhookStore
  enqueue: Enqueue
  clock: Clock
}

/** Looks for what no event tells of: costs that pass a threshold, and a gateway that cannot do its work. */
export function createWatch(components: WatchComponents) {
  const { store, directory, db, webhooks, enqueue, clock } = components
  /** webhook, job → nothing: it was told that the job passed its cost threshold. */
  const costsTold = openTable<string>(db, 'costs-told')

  const queue = createKeyedQueue()

  async function checkCosts(): Promise<void> {
    const listeners = new Map<string, WebhookRecord[]>()
    for await (const job of store.active()) {
      const own = listeners.get(job.owner) ?? (await hearing(job.owner))
      listeners.set(job.owner, own)
      await checkCost(job, own)
    }
  }

  /** Tells each webhook once of a job. */
  async function checkCost(job: JobRecord, listeners: WebhookRecord[]): Promise<void> {
    if (listeners.length > 0) await queue.run(job.id, async () => await tellCost(job, listeners))
  }

  async function tellCost(job: JobRecord, listeners: WebhookRecord[]): Promise<void> {
    const { current, projected } = jobView(job, directory).cost
    for (const webhook of listeners) {
      const threshold = webhook.costThreshold ?? Number((projected * DEFAULT_SHARE).toFixed(9))
      if (current === 0 || current < threshold) continue
      const place = `${webhook.id}!${job.id}`
      if ((await costsTold.get(place)) !== undefined) continue
      const happening: Happening = {
        types: ['job.cost.threshold'],
        owner: job.owner,
        timestampMs: clock.nowMs(),
        data: { job: jobView(job, directory), threshold },
        subject: job.id,
      }
      await enqueue([happening], [write(costsTold, place, '')], [webhook])
    }
  }

  async function hearing(owner: string): Promise<WebhookRecord[]> {
    const all = await Array.fromAsync(webhooks.hearing(owner))
    return all.filter(({ enabled, events }) => enabled && events.includes('job.cost.threshold'))
  }

  const alerts = createAlerts(components)

  return {
    /** Looks once; a job that ends is looked at by itself, since it may be shorter than the pause. */
    checkCosts,
    async ended(job: JobRecord): Promise<void> {
      await checkCost(job, await hearing(job.owner))
    },
    async run(signal: AbortSignal): Promise<void> {
      while (!signal.aborted) {
        await checkCosts()
        for (const data of alerts.look()) {
          const subject = data.alert.code
          const happening: Happening = {
            types: ['system.alert'],
            owner: null,
            timestampMs: clock.nowMs(),
            data,
            subject,
          }
          await enqueue([happening], [])
        }
        // Aborted: the loop ends.
        await clock.sleep(EVERY_MS, signal).catch(() => undefined)
      }
    },
  }
}

type AlertCode = 'STORE_UNWRITABLE' | 'NO_PROVIDER'

/** What a webhook gets as `data`; a type, since an interface is no record. */
type Alert = { alert: { code: AlertCode; message: string; state: 'raised' | 'resolved'; since: string } }

/** What {@link createAlerts} works with. */
export interface AlertComponents {
  store: Pick<JobStore, 'problem'>
  directory: Pick<Directory, 'list'>
  clock: Clock
}

/** What is wrong for longer than {@link ALERT_AFTER_MS} is told once, and once more when it is over. */
export function createAlerts({ store, directory, clock }: AlertComponents) {
  const since = new Map<AlertCode, { atMs: number; wallMs: number; message: string; isTold: boolean }>()

  function problems(): Map<AlertCode, string> {
    const found = new Map<AlertCode, string>()
    const problem = store.problem()
    if (problem !== null) found.set('STORE_UNWRITABLE', `Nothing can be stored: ${problem}`)
    const online = directory.list().filter(({ status }) => status === 'online').length
    if (online === 0) found.set('NO_PROVIDER', 'No provider of the network is online: jobs wait for one')
    return found
  }

  return {
    /** The data of each alert that begins or ends now. */
    look(): Alert[] {
      const now = clock.monotonicMs()
      const found = problems()
      for (const [code, message] of found) {
        if (!since.has(code)) since.set(code, { atMs: now, wallMs: clock.nowMs(), message, isTold: false })
      }
      return [...since].flatMap(([code, entry]): Alert[] => {
        const { message, wallMs } = entry
        const alert = { code, message, since: new Date(wallMs).toISOString() }
        if (found.has(code)) {
          if (entry.isTold || now - entry.atMs < ALERT_AFTER_MS) return []
          entry.isTold = true
          return [{ alert: { ...alert, state: 'raised' } }]
        }
        since.delete(code)
        return entry.isTold ? [{ alert: { ...alert, state: 'resolved' } }] : []
      })
    },
  }
}
