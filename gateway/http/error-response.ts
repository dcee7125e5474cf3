import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { ZodError } from 'zod'
import type { Logger } from '../../node/logger.ts'
import { ExtensionRefusedError } from '../../node/market/index.ts'
import { ReachError } from '../../node/reach/index.ts'
import {
  IdempotencyConflictError,
  JobNotFoundError,
  JobStateError,
  StoreUnavailableError,
} from '../../node/store/index.ts'
import { fieldErrors } from '../../protocol/job-spec.ts'
import { ERROR_STATUS } from '../contract/errors.ts'
import type { GatewayEnv } from './context.ts'
import { GatewayError } from './errors.ts'
import { reachErrorOf } from './reach-error.ts'

/** Of a body that nobody wants, this much is read all the same, in bytes, so that the connection can be used again. */
const MAX_LEFT_BYTES = 64 * 1024

/** Answers an error as the API's envelope. Unknown ones are logged with their stack and answered without it. */
export function errorResponse(c: Context<GatewayEnv>, error: unknown, logger: Logger): Response {
  const known = toGatewayError(error)
  if (known === null) logger.error({ err: error, requestId: c.var.requestId }, 'unexpected error')
  const { code, message, details, headers } = known ?? internalError(c.var.requestId)
  for (const [name, value] of Object.entries(headers)) c.header(name, value)
  // What is left of a large body is not read to its end: a client must not send its next request after it.
  if (Number(c.req.header('content-length') ?? 0) > MAX_LEFT_BYTES || code === 'PAYLOAD_TOO_LARGE') {
    c.header('Connection', 'close')
  }
  const body = { success: false, error: { code, message, ...(details === undefined ? {} : { details }) } }
  return c.json(body, ERROR_STATUS[code])
}

function internalError(requestId: string): GatewayError {
  const message =
    'Something went wrong inside the gateway: try again; if it happens twice, report it with the request id'
  return new GatewayError('INTERNAL_ERROR', message, { details: { requestId } })
}

/** The one place where errors of other parts become codes of the API. */
function toGatewayError(error: unknown): GatewayError | null {
  if (error instanceof GatewayError) return error
  if (error instanceof ZodError) return validationError(error)
  if (error instanceof JobNotFoundError) return new GatewayError('JOB_NOT_FOUND', error.message)
  if (error instanceof JobStateError) {
    return new GatewayError('JOB_STATE_CONFLICT', error.message, { details: error.details })
  }
  if (error instanceof IdempotencyConflictError) return new GatewayError('IDEMPOTENCY_CONFLICT', error.message)
  if (error instanceof StoreUnavailableError) return storeUnavailable(error)
  if (error instanceof ExtensionRefusedError) return new GatewayError('PROVIDER_CONFLICT', error.message)
  if (error instanceof ReachError) return reachErrorOf(error)
  if (error instanceof HTTPException) return fromHttpException(error)
  return null
}

/** After this long a client may ask again, in seconds: room is looked for every half second. */
const RETRY_AFTER = '5'

/** Its own message names files of this machine. */
function storeUnavailable(cause: StoreUnavailableError): GatewayError {
  const message =
    'The gateway’s disk is full, or nearly so: running jobs go on, and nothing new is stored. Free space on it, then try again'
  return new GatewayError('STORE_UNAVAILABLE', message, { cause, headers: { 'Retry-After': RETRY_AFTER } })
}

/**
 * What a schema refused, as an error of the API: the message is of the first field, and `details.fields` has them all.
 * @param where part of the request, e.g. `query` or `body`
 */
export function validationError(error: ZodError, where?: string): GatewayError {
  const fields = fieldErrors(error)
  const first = fields[0]
  const summary = first === undefined ? 'is not valid' : `${first.path} ${first.message}`.trim()
  const more = fields.length > 1 ? ` (and ${fields.length - 1} more, see details)` : ''
  const details = { fields, ...(where === undefined ? {} : { in: where }) }
  return new GatewayError('VALIDATION_ERROR', `${summary}${more}`, { details, cause: error })
}

/** What the HTTP library throws by itself while it reads a request. */
function fromHttpException(error: HTTPException): GatewayError | null {
  if (error.status === 415) {
    return new GatewayError('VALIDATION_ERROR', 'Send the body as JSON, with Content-Type: application/json')
  }
  if (error.status === 400) {
    return new GatewayError('VALIDATION_ERROR', 'The body is not JSON: check quotes, commas and brackets')
  }
  return null
}
