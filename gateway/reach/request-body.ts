import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { GatewayContext } from '../http/context.ts'

/**
 * What a client sends behind the head of its request, of whatever method: a `Request` has none of `GET`, `HEAD` and `TRACE`.
 * Null where it sends nothing, as the head alone says.
 */
export function bodyOf(c: GatewayContext): ReadableStream<Uint8Array> | null {
  const { raw } = c.req
  const { incoming } = (c.env ?? {}) as { incoming?: IncomingMessage }
  if (incoming === undefined) return raw.body
  if (!hasBody(incoming)) return null
  return raw.body ?? (Readable.toWeb(incoming) as ReadableStream<Uint8Array>)
}

/** A request by HTTP/2 is one by HTTP/1.1 here, too. */
function hasBody({ headers }: IncomingMessage): boolean {
  const { 'transfer-encoding': coding, 'content-length': length } = headers
  return coding !== undefined || (length !== undefined && Number(length) > 0)
}

/** Headers that say truly where the body ends: what follows would else be taken for the next request of its connection. */
export function framed(headers: Headers, body: ReadableStream<Uint8Array> | null): Headers {
  const kept = new Headers(headers)
  if (body === null && kept.get('content-length') !== '0') kept.delete('content-length')
  // Node itself does so for some methods only, and sends what it was given of the others as it is.
  if (body !== null && !kept.has('content-length')) kept.set('transfer-encoding', 'chunked')
  return kept
}
