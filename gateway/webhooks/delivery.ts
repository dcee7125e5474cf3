import type { Clock } from '../../node/clock.ts'
import type { SecretBox } from '../../node/store/secret-box.ts'
import type { Outcome, Send } from './send.ts'
import { signatureOf } from './signature.ts'
import { type DeliveryRecord, type Failing, recentWith, type WebhookRecord } from './webhook-records.ts'
import type { WebhookStore } from './webhook-store.ts'

/** Waits before the second and each further attempt, in ms; after the last it has failed for good. */
export const RETRY_DELAYS_MS = [30_000, 120_000, 600_000, 1_800_000, 3_600_000]

/** What goes with a body. @param signature null where the webhook has no secret */
export function requestHeaders(
  { event, delivery }: { event: string; delivery: string },
  signature: string | null,
): Record<string, string> {
  return {
    'Content-Type': 'application/json',
    'User-Agent': 'cortex-node',
    'X-Cortex-Event': event,
    'X-Cortex-Delivery': delivery,
    ...(signature === null ? {} : { 'X-Cortex-Signature': signature }),
  }
}

/** One delivery to one endpoint; see {@link createDelivery}. */
export interface Delivery {
  /** Sends signed, and notes nothing. */
  attempt(webhook: WebhookRecord, body: string, headers: { event: string; delivery: string }): Promise<Outcome>
  /** Attempts a queued delivery and notes what came of it. @returns whether it is finished, one way or the other */
  deliver(webhook: WebhookRecord, delivery: DeliveryRecord): Promise<boolean>
}

/** What {@link createDelivery} works with. */
export interface DeliveryComponents {
  webhooks: WebhookStore
  secretBox: SecretBox
  send: Send
  clock: Clock
}

/** @param signal a stop in the middle counts for nothing: the attempt is made again at the next start */
export function createDelivery(components: DeliveryComponents, signal: AbortSignal): Delivery {
  const { webhooks, secretBox, send, clock } = components

  async function attempt(
    webhook: WebhookRecord,
    body: string,
    headers: { event: string; delivery: string },
  ): Promise<Outcome> {
    const secret = webhook.sealedSecret === null ? null : secretBox.open(webhook.id, webhook.sealedSecret)
    const signature = secret === null ? null : signatureOf(secret, body, clock.nowMs())
    return await send(webhook.url, body, requestHeaders(headers, signature))
  }

  return {
    attempt,
    async deliver(webhook, delivery) {
      const outcome = await attempt(webhook, delivery.body, { event: delivery.eventType, delivery: delivery.id })
      if (signal.aborted && !outcome.delivered) return false
      const after = afterAttempt(delivery, outcome, clock.nowMs())
      await webhooks.keep(after)
      await webhooks.update(webhook.id, (now) => ({
        lastTriggeredMs: clock.nowMs(),
        ...(after.status === 'retrying' ? {} : { recent: recentWith(now, outcome.delivered) }),
        failing: outcome.delivered ? null : failingAfter(now.failing, outcome, clock.nowMs()),
        stats: {
          delivered: now.stats.delivered + Number(after.status === 'delivered'),
          failed: now.stats.failed + Number(after.status === 'failed'),
          retried: now.stats.retried + Number(delivery.attempts > 0),
        },
      }))
      return after.status !== 'retrying'
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
