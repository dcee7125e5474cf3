import { isIP } from 'node:net'
import type { MiddlewareHandler } from 'hono'
import { type GatewayEnv, rawHeaders } from './context.ts'
import { GatewayError } from './errors.ts'
import { isLoopbackName } from './loopback.ts'

/** A request that names two hosts may be for one to a proxy and for the other here: it is refused (RFC 9112, 3.2). */
export const oneHost: MiddlewareHandler<GatewayEnv> = async (c, next) => {
  if (rawHeaders(c).filter((text, i) => i % 2 === 0 && text.toLowerCase() === 'host').length > 1) {
    throw new GatewayError('VALIDATION_ERROR', 'Send one Host header')
  }
  await next()
}

/**
 * Answers only to names that this gateway was given, so that a page whose name was made to point here (DNS rebinding) is
 * not heard. Addresses and `localhost` cannot be made to point elsewhere and always pass.
 * @param names host names without port, e.g. `cortex.example`
 */
export function hostCheck(names: readonly string[]): MiddlewareHandler<GatewayEnv> {
  const known = new Set(names.map((name) => name.toLowerCase()))
  return async (c, next) => {
    const { hostname } = new URL(c.req.url)
    if (!known.has(hostname) && !isLoopbackName(hostname) && isIP(hostname.replace(/^\[|\]$/g, '')) === 0) {
      throw new GatewayError('FORBIDDEN', `This gateway is not known as ${hostname}: add it with --allow-host`)
    }
    await next()
  }
}
