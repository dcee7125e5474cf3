import type { ErrorCode } from './types.ts'

/** Codes of the API, and four of the client: it could not ask, or what answered is no gateway. */
export type ClientErrorCode = ErrorCode | 'CONNECTION_FAILED' | 'TIMED_OUT' | 'STREAM_LOST' | 'UNEXPECTED_ANSWER'

/** What a {@link CortexError} is made of, where a program makes its own, as for a test. */
export interface CortexErrorInit extends ErrorOptions {
  code: ClientErrorCode
  message: string
  /** HTTP status; absent where nothing answered. */
  status?: number | undefined
  /**
   * What the gateway says besides, such as the `fields` of a body that are wrong; absent where it says nothing more.
   */
  details?: Record<string, unknown> | undefined
  /** Of the response header `X-Request-Id`: what the gateway's log calls this request. */
  requestId?: string | undefined
  /** How long the gateway asks to wait, from `Retry-After`, in ms. */
  retryAfterMs?: number | undefined
}

/** Anything that went wrong between a program and its gateway. Match `code` or the class, never the message. */
export class CortexError extends Error {
  override readonly name: string = 'CortexError'
  readonly code: ClientErrorCode
  readonly status: number | undefined
  readonly details: Record<string, unknown> | undefined
  readonly requestId: string | undefined
  readonly retryAfterMs: number | undefined

  constructor(init: CortexErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause })
    this.code = init.code
    this.status = init.status
    this.details = init.details
    this.requestId = init.requestId
    this.retryAfterMs = init.retryAfterMs
  }
}

/** One field of a request that was refused. */
export interface FieldProblem {
  path: string
  message: string
}

/** The request is not valid (400): {@link ValidationError.fields} lists every field that is wrong. */
export class ValidationError extends CortexError {
  override readonly name = 'ValidationError'

  get fields(): FieldProblem[] {
    const fields = this.details?.fields
    return Array.isArray(fields) ? (fields as FieldProblem[]) : []
  }
}

/** No key, or one that is wrong or has expired (401). */
export class UnauthorizedError extends CortexError {
  override readonly name = 'UnauthorizedError'
}

/** The key may not do this (403). */
export class ForbiddenError extends CortexError {
  override readonly name = 'ForbiddenError'
}

/** There is no such object, or it is another owner's (404). */
export class NotFoundError extends CortexError {
  override readonly name = 'NotFoundError'
}

/** The object is not in a state that allows this (409). */
export class ConflictError extends CortexError {
  override readonly name = 'ConflictError'
}

/** The body is too large (413). */
export class PayloadTooLargeError extends CortexError {
  override readonly name = 'PayloadTooLargeError'
}

/** Too many requests, and waiting as asked did not help or would take too long (429). */
export class RateLimitError extends CortexError {
  override readonly name = 'RateLimitError'
}

/** No provider or network can do this (503). */
export class UnavailableError extends CortexError {
  override readonly name = 'UnavailableError'
}

/** The gateway is at fault (500 and others). */
export class ServerError extends CortexError {
  override readonly name = 'ServerError'
}

/** Nothing answered, too late, or the connection broke; whether the request was carried out is not known. */
export class ConnectionError extends CortexError {
  override readonly name = 'ConnectionError'
}

const CLASS_OF_STATUS: Readonly<Record<number, new (init: CortexErrorInit) => CortexError>> = {
  400: ValidationError,
  401: UnauthorizedError,
  403: ForbiddenError,
  404: NotFoundError,
  409: ConflictError,
  413: PayloadTooLargeError,
  429: RateLimitError,
  503: UnavailableError,
}

/** The typed error of a status. */
export function errorOfStatus(init: CortexErrorInit): CortexError {
  const Class = CLASS_OF_STATUS[init.status ?? 0] ?? ServerError
  return new Class(init)
}

/** The typed error of an answer that is no success. */
export async function errorOf(response: Response): Promise<CortexError> {
  const { status, headers } = response
  const common = {
    status,
    requestId: headers.get('x-request-id') ?? undefined,
    retryAfterMs: retryAfterMs(headers.get('retry-after')),
  }
  const problem = problemOf(await response.text().catch(() => '')) // a body that breaks off says no more than none
  if (problem !== null) return errorOfStatus({ ...common, ...problem })
  const message = `What answered (HTTP ${status}) is no Cortex gateway, or a proxy before one: check the address`
  return errorOfStatus({ ...common, code: 'UNEXPECTED_ANSWER', message })
}

function problemOf(text: string): Pick<CortexErrorInit, 'code' | 'message' | 'details'> | null {
  try {
    const { code, message, details } = JSON.parse(text).error
    return typeof code === 'string' && typeof message === 'string'
      ? { code: code as ClientErrorCode, message, details }
      : null
  } catch {
    return null // no envelope of the API: whatever it is, it is told by its status
  }
}

/** Seconds or a date, as milliseconds from now. */
function retryAfterMs(header: string | null): number | undefined {
  if (header === null) return undefined
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}
