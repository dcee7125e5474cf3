import type { z } from 'zod'
import { isoTime, isoTimeOrNull } from '../time.ts'
import type { deliverySchema, webhookSchema } from './schemas.ts'
import type { DeliveryRecord, WebhookRecord } from './webhook-records.ts'

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
  } = webhook
  return {
    id,
    name,
    url,
    events,
    secret: fingerprint,
    costThreshold,
    enabled,
    createdAt: isoTime(createdAtMs),
    updatedAt: isoTime(updatedAtMs),
    lastTriggered: isoTimeOrNull(lastTriggeredMs),
    stats,
  }
}

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
