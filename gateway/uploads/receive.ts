import { Readable } from 'node:stream'
import type { Clock } from '../../node/clock.ts'
import { deadline } from '../../node/deadline.ts'
import { type Revocation, revokedError } from '../auth/index.ts'
import { type GatewayContext, principalOf } from '../http/context.ts'
import { GatewayError } from '../http/errors.ts'
import { BODY_MS } from '../http/limits.ts'

/** Bodies that are taken in as they arrive, however long they are. */
export interface Receiver {
  /**
   * The pieces of a request's body. It ends with an error where none comes for {@link BODY_MS}, where the key was revoked, and
   * where the gateway closes.
   */
  receive(c: GatewayContext): AsyncIterable<Uint8Array>
  /** Ends those that are arriving. */
  letGo(): void
}

/** Reads nothing by itself. */
export function createReceiver({
  revocation,
  clock,
}: {
  revocation: Pick<Revocation, 'watch'>
  clock: Clock
}): Receiver {
  const closing = new AbortController()

  return {
    letGo: () => closing.abort(new GatewayError('STORE_UNAVAILABLE', 'The gateway is closing: go on when it is back')),
    async *receive(c) {
      const { body } = c.req.raw
      if (body === null) return
      const over = new AbortController()
      const release = revocation.watch(principalOf(c), () => over.abort(revokedError()))
      const until = AbortSignal.any([closing.signal, over.signal])
      const source = Readable.fromWeb(body as never)
      const pieces = source[Symbol.asyncIterator]()
      try {
        for (;;) {
          const { done, value } = await next(pieces, until)
          if (done) return
          yield value
        }
      } finally {
        release()
        source.destroy()
      }
    },
  }

  async function next(pieces: AsyncIterator<Uint8Array>, until: AbortSignal): Promise<IteratorResult<Uint8Array>> {
    const limit = deadline(clock, BODY_MS, until)
    const late = Promise.withResolvers<never>()
    const tooLate = (): void => late.reject(until.aborted ? until.reason : broken('The body came to a halt'))
    limit.signal.addEventListener('abort', tooLate, { once: true })
    try {
      return await Promise.race([pieces.next(), late.promise])
    } catch (cause) {
      throw cause instanceof GatewayError ? cause : broken('The body breaks off', cause)
    } finally {
      limit.signal.removeEventListener('abort', tooLate)
      limit.clear()
    }
  }
}

function broken(what: string, cause?: unknown): GatewayError {
  return new GatewayError('VALIDATION_ERROR', `${what}: go on where the upload is now, which HEAD tells`, { cause })
}
