import type { MiddlewareHandler } from 'hono'
import type { GatewayContext, GatewayEnv } from './context.ts'
import { GatewayError } from './errors.ts'
import { excessOf } from './json-form.ts'
import {
  BODY_MS,
  MAX_BODY_BYTES,
  MAX_BODY_DEPTH,
  MAX_BODY_VALUES,
  MAX_STRANGERS_BODY_BYTES,
  STRANGERS_BODY_MS,
} from './limits.ts'
import type { Share, Shares } from './shares.ts'

/**
 * Reads the body of each request, within its size, its time, and what it holds, before anything is made of it.
 * @param bodies bytes that are held of them
 * @param isReadElsewhere whether a body goes on as it comes, and is bounded where it is read
 */
export function boundBody(
  bodies: Shares,
  isReadElsewhere: (c: GatewayContext) => boolean,
): MiddlewareHandler<GatewayEnv> {
  return async (c, next) => {
    const { method, raw } = c.req
    if (method === 'GET' || method === 'HEAD' || raw.body === null || isReadElsewhere(c)) return await next()
    const { principal } = c.var
    const share = bodies.open(c, principal)
    try {
      const text = await readText(raw, share, {
        maxBytes: principal === null ? MAX_STRANGERS_BODY_BYTES : MAX_BODY_BYTES,
        withinMs: principal === null ? STRANGERS_BODY_MS : BODY_MS,
      })
      checkForm(text)
      setBodyText(c, text)
      await next()
    } finally {
      share.release()
    }
  }
}

/** What handlers read from now on. The library keeps bodies as promises, which its types leave out. */
export function setBodyText(c: GatewayContext, text: string): void {
  c.req.bodyCache.text = Promise.resolve(text) as unknown as string
}

async function readText(
  request: Request,
  share: Share,
  { maxBytes, withinMs }: { maxBytes: number; withinMs: number },
): Promise<string> {
  const tooLarge = new GatewayError('PAYLOAD_TOO_LARGE', `The body is larger than ${maxBytes} bytes`)
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge
  const reader = (request.body as ReadableStream<Uint8Array>).getReader()
  const late = Promise.withResolvers<never>()
  late.promise.catch(() => undefined) // it may have arrived
  const timer = setTimeout(() => {
    late.reject(new GatewayError('VALIDATION_ERROR', `The body did not arrive within ${withinMs / 1000} s`))
  }, withinMs)
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), late.promise])
      if (done) break
      bytes += value.length
      if (bytes > maxBytes) throw tooLarge
      share.add(value.length)
      chunks.push(value)
    }
  } catch (error) {
    reader.cancel().catch(() => undefined) // nobody waits for it
    if (error instanceof GatewayError) throw error
    throw new GatewayError('VALIDATION_ERROR', 'The body breaks off', { cause: error })
  } finally {
    clearTimeout(timer)
  }
  return new TextDecoder().decode(Buffer.concat(chunks))
}

function checkForm(text: string): void {
  const excess = excessOf(text, { values: MAX_BODY_VALUES, depth: MAX_BODY_DEPTH })
  if (excess === null) return
  const fields = [{ path: '', message: excess }]
  throw new GatewayError('VALIDATION_ERROR', `The body ${excess}: nothing here takes as many`, {
    details: { fields, in: 'body' },
  })
}
