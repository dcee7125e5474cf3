/** What the gateway's own records have to have, by table; fields that are not named may be anything. */

import { z } from 'zod'

const text = z.string()
const at = z.number()
const owned = { id: text, owner: text, createdAtMs: at }
const config = z.looseObject({ config: z.looseObject({}), sealed: text.optional() })

const key = z.looseObject({ ...owned, name: text, grants: z.array(text), digest: text, expiresAtMs: at.nullable() })
const run = z.looseObject({ tickMs: at, outcome: text, jobId: text.nullable(), reason: text })

/** Of each table, with what people call it. */
export const TABLES = {
  keys: { what: 'API keys', form: key },
  'ended-sessions': { what: 'sessions that were ended', form: at },
  templates: {
    what: 'templates',
    form: z.looseObject({ ...owned, name: text, updatedAtMs: at, ...config.shape }),
  },
  schedules: {
    what: 'schedules',
    form: z.looseObject({
      ...{ ...owned, name: text, schedule: text, timezone: text, enabled: z.boolean(), handledMs: at },
      ...{ stored: config.nullable(), templateId: text.nullable() },
      ...{ lastRuns: z.array(run), activeJobs: z.array(text) },
    }),
  },
  batches: {
    what: 'batches',
    form: z.looseObject({
      ...{ ...owned, status: text, total: at, concurrency: at, endedAtMs: at.nullable() },
      ...{ counts: z.record(text, at).nullable(), keyAt: text.nullable() },
      ...{ retryOf: text.optional(), retriedAs: text.optional() },
    }),
  },
  'batch-members': { what: 'jobs of batches', form: z.array(text) },
  'batch-rows': { what: 'rows of batches', form: z.array(at) },
  'batch-outcomes': { what: 'outcomes of batches', form: z.array(text.nullable()) },
  'batch-keys': {
    what: 'keys of batches',
    form: z.looseObject({ batchId: text, digest: text, expiresAtMs: at }),
  },
  webhooks: {
    what: 'webhooks',
    form: z.looseObject({
      ...{ ...owned, name: text, url: text, events: z.array(text), enabled: z.boolean(), everyOwner: z.boolean() },
      ...{ sealedSecret: text.nullable(), stats: z.looseObject({ delivered: at, failed: at, retried: at }) },
      recent: z.array(z.boolean()).optional(),
    }),
  },
  deliveries: {
    what: 'deliveries',
    form: z.looseObject({
      ...{ id: text, webhookId: text, body: text, status: z.enum(['retrying', 'delivered', 'failed']) },
      ...{ createdAtMs: at, attempts: at, nextAttemptMs: at, subject: text.optional() },
    }),
  },
  'delivery-queue': {
    what: 'deliveries that wait',
    form: z.union([z.literal(''), z.looseObject({ subject: text, nextAttemptMs: at })]),
  },
  'costs-told': { what: 'costs that were told', form: text },
  audit: { what: 'audit log', form: z.looseObject({ seq: at, atMs: at, method: text, path: text, status: at }) },
  'added-providers': {
    what: 'providers that were added',
    form: z.looseObject({ id: text, name: text, endpoints: z.array(text), createdAtMs: at }),
  },
  'known-providers': { what: 'known providers', form: z.looseObject({ status: text, prices: text }) },
  'provider-events': {
    what: 'events of providers',
    form: z.looseObject({ seq: at, type: text, timestampMs: at, provider: z.looseObject({ id: text }) }),
  },
  'provider-days': {
    what: 'samples of providers',
    form: z.array(z.looseObject({ timestampMs: at, online: z.boolean() })),
  },
  meta: { what: 'values of the gateway', form: text },
} as const

/** One of {@link TABLES}. */
export type TableName = keyof typeof TABLES
/** A record of a table, as far as it is looked at. */
export type RecordOf<N extends TableName> = z.output<(typeof TABLES)[N]['form']>
