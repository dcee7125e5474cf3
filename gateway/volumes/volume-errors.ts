import { VolumeError } from '../../node/volumes/index.ts'
import type { ErrorCode } from '../contract/errors.ts'
import { GatewayError } from '../http/errors.ts'

const ERRORS: Partial<Record<VolumeError['code'], ErrorCode>> = {
  UNKNOWN_VOLUME: 'RESOURCE_NOT_FOUND',
  UNREACHABLE: 'PROVIDER_UNAVAILABLE',
}

/** Throws a volume's error as the API tells it, and everything else as it is. */
export function throwInWords(cause: unknown): never {
  if (!(cause instanceof VolumeError)) throw cause
  throw new GatewayError(ERRORS[cause.code] ?? 'PROVIDER_CONFLICT', cause.message, { cause })
}
