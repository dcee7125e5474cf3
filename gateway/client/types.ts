/** What goes over the wire, taken from the schemas that the gateway checks it with. */

import type { z } from 'zod'
import type { newProviderSchema, providerChangesSchema } from '../contract/added-providers.ts'
import type {
  batchRowsSchema,
  batchSchema,
  checkedBatchSchema,
  newBatchSchema,
  submittedBatchSchema,
} from '../contract/batches.ts'
import type { CostRow, costsSchema, forecastSchema } from '../contract/cost-answers.ts'
import type { COST_PERIODS } from '../contract/costs.ts'
import type { Pagination } from '../contract/envelope.ts'
import type { ErrorCode } from '../contract/errors.ts'
import type { containerSchema, execAnswerSchema, execRequestSchema } from '../contract/exec.ts'
import type { extensionSchema } from '../contract/extension.ts'
import type { fileLookSchema, fileSchema, removedFileSchema, writtenFilesSchema } from '../contract/files.ts'
import type { JOB_CHANGES } from '../contract/job-changes.ts'
import type { configSchema, JobSubmission, overridesSchema } from '../contract/job-config.ts'
import type { jobErrorSchema, remedySchema, waitingSchema } from '../contract/job-failures.ts'
import type { jobListItemSchema, jobListQuery } from '../contract/job-list.ts'
import type {
  attemptCostSchema,
  bidSchema,
  dryRunSchema,
  jobEventSchema,
  jobSchema,
  logLineSchema,
  metricsSchema,
  receiptSchema,
} from '../contract/jobs.ts'
import type { keySchema, newKeySchema, revokedKeySchema, userSchema } from '../contract/keys.ts'
import type { PERIODS, RESOLUTIONS } from '../contract/metric-times.ts'
import type { providerHistorySchema } from '../contract/provider-history.ts'
import type { PROVIDER_PERIODS, PROVIDER_RESOLUTIONS, providerMetricsSchema } from '../contract/provider-metrics.ts'
import type { pricingSchema } from '../contract/provider-pricing.ts'
import type { networkSchema, providerSchema, providerStatusSchema } from '../contract/providers.ts'
import type { newScheduleSchema, scheduleChangesSchema, scheduleSchema } from '../contract/schedules.ts'
import type { newSshKeySchema, sshKeySchema } from '../contract/ssh-keys.ts'
import type { auditEntrySchema, healthSchema, peerTrafficSchema, rateLimitsSchema } from '../contract/system.ts'
import type { newTemplateSchema, templateChangesSchema, templateSchema } from '../contract/templates.ts'
import type { uploadSchema } from '../contract/uploads.ts'
import type { volumeReceiptSchema, volumeSchema } from '../contract/volumes.ts'
import type {
  deliveryDetailsSchema,
  deliverySchema,
  newWebhookSchema,
  webhookChangesSchema,
  webhookSchema,
} from '../contract/webhooks.ts'

export type { CostRow, ErrorCode, JobSubmission, Pagination }

/** A job, with its `events` where it was asked for by itself. */
export type Job = z.output<typeof jobSchema>
/** With `fields` only those are there. */
export type JobListItem = z.output<typeof jobListItemSchema>
/** What a job may be: pending, scheduled or running; then completed, failed or cancelled. */
export type JobStatus = Job['status']
/** What templates and schedules keep. */
export type JobConfig = z.input<typeof configSchema>
/** Changes to a job: null takes a field, or a name of `env`, `secrets` and `labels`, out. */
export type JobOverrides = z.input<typeof overridesSchema>
/** What may change while a job is pending: null takes a field out. */
export type JobChanges = Pick<JobOverrides, (typeof JOB_CHANGES)[number]>
/** Something that was given for jobs to bring, or is being given. */
export type Upload = z.output<typeof uploadSchema>
/** What each provider says to a job that was not submitted, and whether anybody would take it. */
export type DryRun = z.output<typeof dryRunSchema>
/** What more time would mean for a job. */
export type Extension = z.output<typeof extensionSchema>
/** Why a job failed, or would. */
export type JobError = z.output<typeof jobErrorSchema>
/** A change of a job that helps: its `changes` are for `jobs.resubmit`, or while it is pending for `jobs.update`. */
export type Remedy = z.output<typeof remedySchema>
/** Why nobody has taken a pending job yet, and until when somebody may. */
export type Waiting = z.output<typeof waitingSchema>
/** An entry in a job’s history; further fields depend on its `type`. */
export type JobEvent = z.output<typeof jobEventSchema>
/** A line of a job’s log, or a piece of a long one. */
export type LogLine = z.output<typeof logLineSchema>
/** What one provider said to a request for the job, and what came of it. */
export type Bid = z.output<typeof bidSchema>
/** The cost of one lease, with the statements that both sides signed. */
export type Receipt = z.output<typeof receiptSchema>
/** What one attempt costs, and its receipt where both sides signed one. */
export type AttemptCost = z.output<typeof attemptCostSchema>
/** What a job used over time, one list of points for each metric. */
export type JobMetrics = z.output<typeof metricsSchema>
/** What was in use at one time: millicores and bytes; network since the container started. */
export interface MetricSample {
  timestamp: string
  cpu: number
  memory: number
  network: { rx: number; tx: number }
  /** Null where it is not measured. */
  storage: number | null
  /** Thousandths of one GPU at full use, and bytes of VRAM; null where it has none, or nothing tells. */
  gpu: number | null
  gpuMemory: number | null
}
/** How far back metrics of a job go. */
export type MetricsPeriod = keyof typeof PERIODS
/** How far apart points of a job’s metrics are. */
export type MetricsResolution = keyof typeof RESOLUTIONS

/** A command for {@link ExecSocket}: its words, and the size of its terminal. */
export type NewExec = Omit<z.input<typeof execRequestSchema>, 'interactive' | 'timeout'>
type ExecAnswer = z.output<typeof execAnswerSchema>
/** `exitCode` is null where it had not ended in time. */
export type ExecResult = Extract<ExecAnswer, { stdout: string }>
/** Where a WebSocket to a running command is opened, once and until `expiresAt`. */
export type ExecSocket = Extract<ExecAnswer, { url: string }>
/** What a provider sees of a running container: processes, use, mounts, networks. */
export type Container = z.output<typeof containerSchema>
/** Something in a container. */
export type ContainerFile = z.output<typeof fileSchema>
/** What is at a path of a container, and of a folder what it holds. */
export type ContainerFiles = z.output<typeof fileLookSchema>
/** What was written into a container, and what had no place there. */
export type WrittenFiles = z.output<typeof writtenFilesSchema>
/** What was removed of a container. */
export type RemovedFile = z.output<typeof removedFileSchema>
/** Opens once, within a minute. */
export interface PortLink {
  url: string
  expiresAt: string
}

/** A batch and how far its jobs are. */
export type Batch = z.output<typeof batchSchema>
/** What became of each row of a batch. */
export type BatchRows = z.output<typeof batchRowsSchema>
/** Jobs to be taken all together or not at all, and how many of them run at a time. */
export type NewBatch = z.input<typeof newBatchSchema>
/** What a batch would be, all its rows being right. */
export type CheckedBatch = z.output<typeof checkedBatchSchema>
/** A batch that was taken: its id, and those of its jobs in the order of the rows. */
export type SubmittedBatch = z.output<typeof submittedBatchSchema>

/** A part of a submission that jobs are made from; its secrets are not shown, only their names. */
export type Template = z.output<typeof templateSchema>
/** A volume that outlives the job that left it. */
export type Volume = z.output<typeof volumeSchema>
/** What both sides signed of a volume for a time in which no job had it. */
export type VolumeReceipt = z.output<typeof volumeReceiptSchema>
/** A template to be made. */
export type NewTemplate = z.input<typeof newTemplateSchema>
/** What a template becomes; what is absent stays. */
export type TemplateChanges = z.input<typeof templateChangesSchema>

/** A schedule, with its next and its last runs. */
export type Schedule = z.output<typeof scheduleSchema>
/** A schedule to be made, with either a `config` or a `templateId`. */
export type NewSchedule = z.input<typeof newScheduleSchema>
/** What a schedule becomes; what is absent stays. */
export type ScheduleChanges = z.input<typeof scheduleChangesSchema>

/** A provider, as the gateway last heard of it. */
export type Provider = z.output<typeof providerSchema>
/** Whether a provider is there, how near it is and how busy. */
export type ProviderStatus = z.output<typeof providerStatusSchema>
/** A network: the sum of its providers. */
export type Network = z.output<typeof networkSchema>
/** What went between the gateway and one of its peers, in bytes since they were connected. */
export type PeerTraffic = z.output<typeof peerTrafficSchema>
/** How the gateway is. */
export type Health = z.output<typeof healthSchema>
/** How much a key may ask for. */
export type RateLimits = z.output<typeof rateLimitsSchema>

/** A webhook and how its deliveries go; alone, with the last ten of them. */
export type Webhook = z.output<typeof webhookSchema>
/** What a webhook may be told of, such as `job.completed`. */
export type WebhookEvent = Webhook['events'][number]
/** A webhook to be made. */
export type NewWebhook = z.input<typeof newWebhookSchema>
/** What a webhook becomes; what is absent stays. */
export type WebhookChanges = z.input<typeof webhookChangesSchema>
/** One event on its way to one webhook. */
export type Delivery = z.output<typeof deliverySchema>
/** The same with what is sent. */
export type DeliveryDetails = z.output<typeof deliveryDetailsSchema>

/** A change that somebody made or tried to make at the gateway, or a wrong key. */
export type AuditEntry = z.output<typeof auditEntrySchema>
/** A provider to be dialled by its addresses. */
export type NewProvider = z.input<typeof newProviderSchema>
/** What an added provider becomes; what is absent stays. */
export type ProviderChanges = z.input<typeof providerChangesSchema>
/** How near and how busy a provider was, one list of points for each metric that was asked for. */
export type ProviderMetrics = z.output<typeof providerMetricsSchema>
/** How far back metrics of a provider go. */
export type ProviderMetricsPeriod = keyof typeof PROVIDER_PERIODS
/** How far apart points of a provider’s metrics are. */
export type ProviderMetricsResolution = keyof typeof PROVIDER_RESOLUTIONS
/** What a provider asks now, and asked in the last 7 and 30 days. */
export type ProviderPricing = z.output<typeof pricingSchema>
/** A change of a provider’s status or its prices. */
export type ProviderHistoryEntry = z.output<typeof providerHistorySchema>
/** What jobs and volumes cost, by group, in US dollars. */
export type Costs = z.output<typeof costsSchema>
/** What this month is expected to cost, and what that rests on. */
export type CostForecast = z.output<typeof forecastSchema>
/** Back to when jobs were created whose costs are added up. */
export type CostPeriod = keyof typeof COST_PERIODS
/** An API key, without its text. */
export type Key = z.output<typeof keySchema>
/** A key to be made; without `permissions` it gets the usual ones that the key has that makes it. */
export type NewKey = z.input<typeof newKeySchema>
/** A public key that opens jobs by SSH. */
export type SshKey = z.output<typeof sshKeySchema>
/** A public key that is to open jobs by SSH. */
export type NewSshKey = z.input<typeof newSshKeySchema>
/** What goes on of the keys that a revoked one had made. */
export type RevokedKey = z.output<typeof revokedKeySchema>
/** Whose key asks, and what it may do. */
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

/** `FIELD:asc` or `FIELD:desc`, or `FIELD` for the first of the two. */
export type JobSorting = NonNullable<z.input<typeof jobListQuery>['sort']>

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
  /** Whose; others’ are seen by admins alone. */
  owner?: string
  /** An id, or `none`: from no batch. */
  batch?: string
  /** Called exactly so, and the caller’s own. */
  name?: string
  /** Text in id, name, image, command, arguments or labels. */
  q?: string
  /** Whether of a batch only the first job in this order is listed, with `batch`. @default false */
  fold?: boolean
  /** `FIELD:asc` or `FIELD:desc`. */
  sort?: JobSorting
  /** Only these fields. */
  fields?: readonly (keyof JobListItem)[]
}
