import type { ReachError, ReachErrorCode } from '../../node/reach/index.ts'
import type { ErrorCode } from '../contract/errors.ts'
import { GatewayError } from './errors.ts'

const CODES = {
  UNKNOWN_LEASE: 'JOB_STATE_CONFLICT',
  NOT_RUNNING: 'JOB_STATE_CONFLICT',
  PORT_NOT_EXPOSED: 'RESOURCE_NOT_FOUND',
  NOT_LISTENING: 'PROVIDER_UNAVAILABLE',
  TOO_MANY: 'RATE_LIMIT_EXCEEDED',
  NO_OUTPUT: 'RESOURCE_NOT_FOUND',
  NOT_OFFERED: 'PROVIDER_UNAVAILABLE',
  BAD_COMMAND: 'VALIDATION_ERROR',
  FAILED: 'PROVIDER_UNAVAILABLE',
  NO_FILE: 'RESOURCE_NOT_FOUND',
  BAD_PATH: 'VALIDATION_ERROR',
  TOO_LARGE: 'PAYLOAD_TOO_LARGE',
  NO_ROOM: 'PROVIDER_UNAVAILABLE',
  UNKNOWN_VOLUME: 'RESOURCE_NOT_FOUND',
  UNREACHABLE: 'PROVIDER_UNAVAILABLE',
} as const satisfies Record<ReachErrorCode, ErrorCode>

/** What {@link reachErrorOf} may answer, for the document. */
export const REACH_ERRORS: ErrorCode[] = ['JOB_NOT_FOUND', ...new Set(Object.values(CODES))]

/** A provider's refusal as the API tells it. */
export function reachErrorOf(error: ReachError): GatewayError {
  const headers: Record<string, string> = error.code === 'TOO_MANY' ? { 'Retry-After': '1' } : {}
  return new GatewayError(CODES[error.code], error.message, { cause: error, details: { reason: error.code }, headers })
}
