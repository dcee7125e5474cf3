import type { z } from 'zod'
import { isoTime, isoTimeOrNull } from '../../node/views/time.ts'
import type { deliverySchema, webhookSchema } from '../contract/webhooks.ts'
import type { DeliveryRecord, Failing, WebhookRecord } from './webhook-records.ts'

/** A webhook as the API shows it: of its secret only the fingerprint. */
export function webhookView(webhook: WebhookRecord): z.input<typeof webhookSchema> {
  const {
    id,
    name,
    url,
    events,
    fingerprint,
    costThreshold,
    enabled,
    createdAtMs,
    updatedAtMs,
    lastTriggeredMs,
    stats,
    failing = null,
    disabled = null,
  } = webhook
  return {
    id,
    name,
    url,
    events,
    secret: fingerprint,
    costThreshold,
    enabled,
    disabledReason: disabled?.reason ?? null,
    createdAt: isoTime(createdAtMs),
    updatedAt: isoTime(updatedAtMs),
    lastTriggered: isoTimeOrNull(lastTriggeredMs),
    stats,
    failing: failing === null ? null : { since: isoTime(failing.sinceMs), ...omitSince(failing) },
  }
}

function omitSince({ attempts, responseCode, error }: Failing) {
  return { attempts, responseCode, error }
}

/** A delivery as the API shows it, without its body. */
export function deliveryView(delivery: DeliveryRecord): z.input<typeof deliverySchema> {
  const { id, eventId, eventType, createdAtMs, status, responseCode, responseTimeMs, attempts, error } = delivery
  return {
    id,
    eventId,
    eventType,
    timestamp: isoTime(createdAtMs),
    status,
    responseCode,
    responseTime: responseTimeMs,
    attempts,
    nextAttempt: status === 'retrying' ? isoTime(delivery.nextAttemptMs) : null,
    error,
  }
}
