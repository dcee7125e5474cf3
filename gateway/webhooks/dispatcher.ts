import { type Clock, sleepUntilWoken } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import type { SecretBox } from '../../node/store/secret-box.ts'
import type { Outcome, Send } from './send.ts'
import { signatureOf } from './signature.ts'
import type { DeliveryRecord, Failing, WebhookRecord } from './webhook-records.ts'
import type { WebhookStore } from './webhook-store.ts'

/** Waits before the second and each further attempt, in ms; after the last it has failed for good. */
export const RETRY_DELAYS_MS = [30_000, 120_000, 600_000, 1_800_000, 3_600_000]

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
  attempt(webhook: WebhookRecord, body: string, headers: { event: string; delivery: string }): Promise<Outcome>
  stop(): Promise<void>
}

/** What {@link createDispatcher} works with. */
export interface DispatcherComponents {
  webhooks: WebhookStore
  secretBox: SecretBox
  send: Send
  clock: Clock
  logger: Logger
}

/** Sends nothing that waits before its `start`, or before it is woken. */
export function createDispatcher(components: DispatcherComponents): Dispatcher {
  const { webhooks, secretBox, send, clock, logger } = components
  const stopping = new AbortController()
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

  /** Whether the delivery is finished, one way or the other. */
  async function deliver(webhook: WebhookRecord, delivery: DeliveryRecord): Promise<boolean> {
    const outcome = await attempt(webhook, delivery.body, { event: delivery.eventType, delivery: delivery.id })
    // A stop in the middle counts for nothing: the attempt is made again at the next start.
    if (stopping.signal.aborted && !outcome.delivered) return false
    const after = afterAttempt(delivery, outcome, clock.nowMs())
    await webhooks.keep(after)
    await webhooks.update(webhook.id, (now) => ({
      lastTriggeredMs: clock.nowMs(),
      failing: outcome.delivered ? null : failingAfter(now.failing, outcome, clock.nowMs()),
      stats: {
        delivered: now.stats.delivered + Number(after.status === 'delivered'),
        failed: now.stats.failed + Number(after.status === 'failed'),
        retried: now.stats.retried + Number(delivery.attempts > 0),
      },
    }))
    return after.status !== 'retrying'
  }

  async function attempt(
    webhook: WebhookRecord,
    body: string,
    headers: { event: string; delivery: string },
  ): Promise<Outcome> {
    const secret = webhook.sealedSecret === null ? null : secretBox.open(webhook.id, webhook.sealedSecret)
    return await send(webhook.url, body, {
      'Content-Type': 'application/json',
      'User-Agent': 'cortex-node',
      'X-Cortex-Event': headers.event,
      'X-Cortex-Delivery': headers.delivery,
      ...(secret === null ? {} : { 'X-Cortex-Signature': signatureOf(secret, body, clock.nowMs()) }),
    })
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

function failingAfter(before: Failing | null | undefined, outcome: Outcome, nowMs: number): Failing {
  const { sinceMs, attempts } = before ?? { sinceMs: nowMs, attempts: 0 }
  return { sinceMs, attempts: attempts + 1, responseCode: outcome.statusCode, error: outcome.error }
}

/** A delivery after an attempt: done, to be tried again, or failed for good. */
function afterAttempt(delivery: DeliveryRecord, outcome: Outcome, nowMs: number): DeliveryRecord {
  const delayMs = RETRY_DELAYS_MS[delivery.tries]
  const failed = delayMs === undefined ? 'failed' : 'retrying'
  return {
    ...delivery,
    status: outcome.delivered ? 'delivered' : failed,
    attempts: delivery.attempts + 1,
    tries: delivery.tries + 1,
    nextAttemptMs: nowMs + (delayMs ?? 0),
    delayMs: delayMs ?? 0,
    responseCode: outcome.statusCode,
    responseTimeMs: outcome.durationMs,
    error: outcome.error,
  }
}
