/** What is wrong with it. `STALE` and `REPLAYED` say that it came late or twice, which is no fault of its sender. */
export type WireErrorCode =
  | 'TOO_LARGE'
  | 'MALFORMED'
  | 'INVALID_FIELD'
  | 'BAD_SIGNATURE'
  | 'WRONG_SIGNER'
  | 'WRONG_NETWORK'
  | 'STALE'
  | 'REPLAYED'
  | 'RATE'

/** What an error can say beside its code and message. */
export interface WireErrorOptions extends ErrorOptions {
  /** Which field, e.g. `"ports[0].port"`. */
  field?: string
}

/** Something a peer sent that is not what the protocol says. Never the fault of this process. */
export class WireError extends Error {
  override readonly name = 'WireError'
  readonly code: WireErrorCode
  /** With `INVALID_FIELD`: which one, in the words of the job spec or the proto file; null where it is none alone. */
  readonly field: string | null

  constructor(code: WireErrorCode, message: string, options: WireErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.field = options.field ?? null
  }
}
