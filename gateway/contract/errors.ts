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
  LIMIT_REACHED: 409,
  UPLOAD_CONFLICT: 409,
  PAYLOAD_TOO_LARGE: 413,
  RANGE_NOT_SATISFIABLE: 416,
  RATE_LIMIT_EXCEEDED: 429,
  INTERNAL_ERROR: 500,
  PROVIDER_UNAVAILABLE: 503,
  STORE_UNAVAILABLE: 503,
} as const satisfies Record<string, 400 | 401 | 403 | 404 | 409 | 413 | 416 | 429 | 500 | 503>

/** A code of the API: what programs match. */
export type ErrorCode = keyof typeof ERROR_STATUS
