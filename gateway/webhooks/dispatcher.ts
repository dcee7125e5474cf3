import { sleepUntilWoken } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { createDelivery, type Delivery, type DeliveryComponents } from './delivery.ts'
import type { WebhookRecord } from './webhook-records.ts'

/** Attempts one after the other that may fail before the endpoint is given pauses. */
const FAILURES_AT_ONCE = 3
/** The longest pause, in ms: what waits for an endpoint that is down costs it, and this gateway, an attempt this often. */
const MAX_PAUSE_MS = 30_000

/** Finished deliveries after which the history is trimmed. */
const TRIM_EVERY = 100

/**
 * Brings queued deliveries to their endpoints, all endpoints side by side. What tells of the same job or provider arrives
 * in order; what an endpoint refuses holds up nothing else.
 */
export interface Dispatcher {
  /** Takes up what earlier runs left. */
  start(): Promise<void>
  /** Something waits for this endpoint. */
  wake(webhookId: string): void
  /** One attempt outside the queue. */
  attempt: Delivery['attempt']
  stop(): Promise<void>
}

/** What {@link createDispatcher} works with. */
export interface DispatcherComponents extends DeliveryComponents {
  logger: Logger
}

/** Sends nothing that waits before its `start`, or before it is woken. */
export function createDispatcher(components: DispatcherComponents): Dispatcher {
  const { webhooks, clock, logger } = components
  const stopping = new AbortController()
  const { attempt, deliver } = createDelivery(components, stopping.signal)
  const workers = new Map<string, { done: Promise<void>; awake: AbortController; again: boolean }>()

  function wake(webhookId: string): void {
    if (stopping.signal.aborted) return
    const worker = workers.get(webhookId)
    if (worker !== undefined) {
      worker.again = true
      worker.awake.abort()
      return
    }
    const own = { awake: new AbortController(), again: false, done: Promise.resolve() }
    workers.set(webhookId, own)
    own.done = work(webhookId, own)
      .catch((error: unknown) => {
        if (!stopping.signal.aborted) logger.error({ webhookId, err: error }, 'webhook worker broke')
      })
      .finally(() => {
        workers.delete(webhookId)
        if (own.again) wake(webhookId)
      })
  }

  async function work(webhookId: string, own: { awake: AbortController; again: boolean }): Promise<void> {
    let finished = 0
    while (!stopping.signal.aborted) {
      own.again = false
      // Made before it looks: who wakes it while it does must not be slept over.
      own.awake = new AbortController()
      const webhook = await webhooks.get(webhookId)
      if (webhook === undefined || !webhook.enabled) break
      const { delivery, inMs } = await webhooks.due(webhookId, clock.nowMs())
      if (inMs === null) break
      if (delivery === undefined) {
        // Woken early, because something was queued, or stopped: the loop looks again.
        await sleepUntilWoken(clock, inMs, own.awake.signal, stopping.signal).catch(() => {})
        continue
      }
      if (delivery.tries === 0 && (await pause(webhook))) {
        // Meanwhile it may have been disabled, or deleted.
        const now = await webhooks.get(webhookId)
        if (now === undefined || !now.enabled) break
      }
      if (stopping.signal.aborted) break
      const done = await deliver(webhook, delivery)
      if (done) finished += 1
      if (finished % TRIM_EVERY === 1) await webhooks.trim(webhookId)
    }
  }

  /**
   * Before what was never tried, longer with each attempt that failed; what was tried has its own waits.
   * @returns whether there was one
   */
  async function pause({ failing }: WebhookRecord): Promise<boolean> {
    const beyond = (failing?.attempts ?? 0) - FAILURES_AT_ONCE
    if (beyond < 0) return false
    // Stopped: whoever called looks.
    await clock.sleep(Math.min(MAX_PAUSE_MS, 1_000 * 2 ** beyond), stopping.signal).catch(() => {})
    return true
  }

  return {
    async start() {
      for (const id of await webhooks.waiting()) wake(id)
    },
    wake,
    attempt,
    async stop() {
      stopping.abort()
      await Promise.all([...workers.values()].map(({ done }) => done))
    },
  }
}
