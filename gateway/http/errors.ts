import type { ErrorCode } from '../contract/errors.ts'

/** What the answer to an error holds besides its code and message. */
export interface GatewayErrorOptions extends ErrorOptions {
  /** Shown to the client, as `error.details`. */
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
