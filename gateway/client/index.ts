/** `cortex-node/client`: a gateway's API for programs, in Node and in browsers. */

export type { CsvBatch } from './batches.ts'
export {
  CortexClient,
  type CortexClientInit,
  type CostQuery,
  type GatewayEvent,
  type ProviderMetricsQuery,
  type ProviderQuery,
} from './client.ts'
export {
  type ClientErrorCode,
  ConflictError,
  ConnectionError,
  CortexError,
  type CortexErrorInit,
  type FieldProblem,
  ForbiddenError,
  NotFoundError,
  PayloadTooLargeError,
  RateLimitError,
  ServerError,
  UnauthorizedError,
  UnavailableError,
  ValidationError,
} from './errors.ts'
export type { StreamInit } from './event-stream.ts'
export type { ExecOutput, SandboxCommand } from './exec.ts'
export type { EventOptions, LogOptions, MetricsQuery, NumberedLine } from './job-history.ts'
export type { CallOptions, StreamOptions, SubmitOptions } from './resource.ts'
export type { NewSandbox, Sandbox, SandboxFiles, SandboxPort } from './sandboxes.ts'
export type { Page, TransportInit } from './transport.ts'
export type * from './types.ts'
export type { UploadOptions, UploadSource } from './uploads.ts'
export type { VolumeQuery } from './volumes.ts'
export type { DeliveryQuery, WebhookTest } from './webhooks.ts'
