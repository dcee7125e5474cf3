import type { z } from 'zod'
import { isoTime, isoTimeOrNull } from '../../node/views/time.ts'
import {
  type deliveryDetailsSchema,
  type deliverySchema,
  MAX_SHOWN_BODY,
  type webhookSchema,
} from '../contract/webhooks.ts'
import { requestHeaders } from './delivery.ts'
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
    recent = [],
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
    recent: { delivered: recent.filter(Boolean).length, failed: recent.filter((arrived) => !arrived).length },
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

/** The same with what is sent: not its signature, which each attempt makes anew. */
export function deliveryDetails(
  delivery: DeliveryRecord,
  { fingerprint }: Pick<WebhookRecord, 'fingerprint'>,
): z.input<typeof deliveryDetailsSchema> {
  const { id, eventType, body } = delivery
  const signature = fingerprint === null ? null : 't=…,v1=…'
  return {
    ...deliveryView(delivery),
    request: {
      headers: requestHeaders({ event: eventType, delivery: id }, signature),
      body: body.slice(0, MAX_SHOWN_BODY).toWellFormed(),
      bodyBytes: Buffer.byteLength(body),
    },
  }
}
