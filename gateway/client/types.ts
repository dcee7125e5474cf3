/** What goes over the wire, taken from the schemas that the gateway checks it with. */

import type { z } from 'zod'
import type { JobSubmission } from '../../protocol/job-spec.ts'
import type { auditEntrySchema } from '../audit/audit.ts'
import type { keySchema, newKeySchema } from '../auth/key-routes.ts'
import type { userSchema } from '../auth/session-routes.ts'
import type { batchSchema, checkedBatchSchema, newBatchSchema, submittedBatchSchema } from '../batches/schemas.ts'
import type { Pagination } from '../envelope.ts'
import type { containerSchema, execAnswerSchema, execRequestSchema } from '../jobs/exec-schemas.ts'
import type { jobListQuery } from '../jobs/list.ts'
import type { PERIODS, RESOLUTIONS } from '../jobs/metrics.ts'
import type { configSchema, overridesSchema } from '../jobs/overrides.ts'
import type {
  bidSchema,
  dryRunSchema,
  jobEventSchema,
  jobListItemSchema,
  jobSchema,
  logLineSchema,
  metricsSchema,
  receiptSchema,
} from '../jobs/schemas.ts'
import type { providerHistorySchema } from '../providers/history.ts'
import type { pricingSchema } from '../providers/pricing.ts'
import type { networkSchema, providerSchema, providerStatusSchema } from '../providers/schemas.ts'
import type { newScheduleSchema, scheduleChangesSchema, scheduleSchema } from '../schedules/schemas.ts'
import type { peerTrafficSchema } from '../system/routes.ts'
import type { newTemplateSchema, templateChangesSchema, templateSchema } from '../templates/routes.ts'
import type { deliverySchema, newWebhookSchema, webhookChangesSchema, webhookSchema } from '../webhooks/schemas.ts'

export type { JobSubmission, Pagination }

export type Job = z.output<typeof jobSchema>
/** With `fields` only those are there. */
export type JobListItem = z.output<typeof jobListItemSchema>
export type JobStatus = Job['status']
/** What templates and schedules keep. */
export type JobConfig = z.input<typeof configSchema>
/** Changes to a job: null takes a field, or a name of `env`, `secrets` and `labels`, out. */
export type JobOverrides = z.input<typeof overridesSchema>
/** What may change while a job is pending. */
export type JobChanges = Pick<
  JobConfig,
  | 'cpu'
  | 'memory'
  | 'storage'
  | 'gpu'
  | 'duration'
  | 'maxPrice'
  | 'providerStrategy'
  | 'constraints'
  | 'labels'
  | 'queueTimeout'
>
export type DryRun = z.output<typeof dryRunSchema>
export type JobEvent = z.output<typeof jobEventSchema>
export type LogLine = z.output<typeof logLineSchema>
export type Bid = z.output<typeof bidSchema>
export type Receipt = z.output<typeof receiptSchema>
export type JobMetrics = z.output<typeof metricsSchema>
/** What was in use at one time: millicores and bytes; network since the container started. */
export interface MetricSample {
  timestamp: string
  cpu: number
  memory: number
  network: { rx: number; tx: number }
  /** Null where it is not measured. */
  storage: number | null
}
export type MetricsPeriod = keyof typeof PERIODS
export type MetricsResolution = keyof typeof RESOLUTIONS

export type NewExec = Omit<z.input<typeof execRequestSchema>, 'interactive' | 'timeout'>
type ExecAnswer = z.output<typeof execAnswerSchema>
/** `exitCode` is null where it had not ended in time. */
export type ExecResult = Extract<ExecAnswer, { stdout: string }>
export type ExecSocket = Extract<ExecAnswer, { url: string }>
export type Container = z.output<typeof containerSchema>
/** Opens once, within a minute. */
export interface PortLink {
  url: string
  expiresAt: string
}

export type Batch = z.output<typeof batchSchema>
export type NewBatch = z.input<typeof newBatchSchema>
/** What a batch would be, all its rows being right. */
export type CheckedBatch = z.output<typeof checkedBatchSchema>
export type SubmittedBatch = z.output<typeof submittedBatchSchema>

export type Template = z.output<typeof templateSchema>
export type NewTemplate = z.input<typeof newTemplateSchema>
export type TemplateChanges = z.input<typeof templateChangesSchema>

export type Schedule = z.output<typeof scheduleSchema>
export type NewSchedule = z.input<typeof newScheduleSchema>
export type ScheduleChanges = z.input<typeof scheduleChangesSchema>

export type Provider = z.output<typeof providerSchema>
export type ProviderStatus = z.output<typeof providerStatusSchema>
export type Network = z.output<typeof networkSchema>
export type PeerTraffic = z.output<typeof peerTrafficSchema>

export type Webhook = z.output<typeof webhookSchema>
export type WebhookEvent = Webhook['events'][number]
export type NewWebhook = z.input<typeof newWebhookSchema>
export type WebhookChanges = z.input<typeof webhookChangesSchema>
export type Delivery = z.output<typeof deliverySchema>

export type AuditEntry = z.output<typeof auditEntrySchema>
export type ProviderPricing = z.output<typeof pricingSchema>
export type ProviderHistoryEntry = z.output<typeof providerHistorySchema>
export type Key = z.output<typeof keySchema>
export type NewKey = z.input<typeof newKeySchema>
export type User = z.output<typeof userSchema>

/** Which page of a list. */
export interface Paging {
  /** From 1. */
  page?: number
  /** Objects a page, at most 100. */
  limit?: number
  /** `nextCursor` of the page before; `page` is then passed over. */
  cursor?: string
}

/** Which jobs, in which order. */
export interface JobQuery extends Paging {
  status?: JobStatus | readonly JobStatus[]
  /** A provider’s id, or `p2p`. */
  provider?: string
  /** Created at or after. */
  from?: Date | string
  /** Created at or before. */
  to?: Date | string
  /** Each has to match. */
  labels?: Record<string, string>
  batch?: string
  /** Text in id, image, command, arguments or labels. */
  q?: string
  /** `FIELD:asc` or `FIELD:desc`. */
  sort?: NonNullable<z.input<typeof jobListQuery>['sort']>
  /** Only these fields. */
  fields?: readonly (keyof Job)[]
}
