import { isIP } from 'node:net'
import type { MiddlewareHandler } from 'hono'
import type { GatewayEnv } from '../context.ts'
import { GatewayError } from '../errors.ts'
import { isLoopbackName } from './loopback.ts'

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
