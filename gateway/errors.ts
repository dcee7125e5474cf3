/** Every error code of the API and its HTTP status. Append-only; `docs/api-errors.md` says the same, and a test holds the two together. */
export const ERROR_STATUS = {
  VALIDATION_ERROR: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  JOB_NOT_FOUND: 404,
  PROVIDER_NOT_FOUND: 404,
  WEBHOOK_NOT_FOUND: 404,
  DELIVERY_NOT_FOUND: 404,
  RESOURCE_NOT_FOUND: 404,
  PROVIDER_CONFLICT: 409,
  DUPLICATE_WEBHOOK: 409,
  JOB_STATE_CONFLICT: 409,
  IDEMPOTENCY_CONFLICT: 409,
  PAYLOAD_TOO_LARGE: 413,
  RATE_LIMIT_EXCEEDED: 429,
  INTERNAL_ERROR: 500,
  PROVIDER_UNAVAILABLE: 503,
  STORE_UNAVAILABLE: 503,
} as const satisfies Record<ErrorCode, 400 | 401 | 403 | 404 | 409 | 413 | 429 | 500 | 503>

export type ErrorCode =
  | 'VALIDATION_ERROR'
  | 'UNAUTHORIZED'
  | 'FORBIDDEN'
  | 'JOB_NOT_FOUND'
  | 'PROVIDER_NOT_FOUND'
  | 'WEBHOOK_NOT_FOUND'
  | 'DELIVERY_NOT_FOUND'
  | 'RESOURCE_NOT_FOUND'
  | 'PROVIDER_CONFLICT'
  | 'DUPLICATE_WEBHOOK'
  | 'JOB_STATE_CONFLICT'
  | 'IDEMPOTENCY_CONFLICT'
  | 'PAYLOAD_TOO_LARGE'
  | 'RATE_LIMIT_EXCEEDED'
  | 'INTERNAL_ERROR'
  | 'PROVIDER_UNAVAILABLE'
  | 'STORE_UNAVAILABLE'

export interface GatewayErrorOptions extends ErrorOptions {
  details?: Record<string, unknown>
  /** Response headers that belong to the error, such as `Retry-After`. */
  headers?: Record<string, string>
}

/** An answer other than success. The message says what is wrong and what would be right; it is shown to the client. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  readonly code: ErrorCode
  readonly details: Record<string, unknown> | undefined
  readonly headers: Record<string, string>

  constructor(code: ErrorCode, message: string, options: GatewayErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.details = options.details
    this.headers = options.headers ?? {}
  }
}
