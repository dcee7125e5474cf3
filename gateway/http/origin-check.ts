import type { MiddlewareHandler } from 'hono'
import type { GatewayEnv } from './context.ts'
import { GatewayError } from './errors.ts'

const READS = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Whether a page is this gateway's own, or of an origin that the operator listed. */
export function isKnownPage(url: string, origin: string, origins: readonly string[]): boolean {
  return origin === new URL(url).origin || origins.includes(origin)
}

/** A change made with the cookie must come from this gateway's own pages, or from an origin that the operator listed. */
export function originCheck(origins: readonly string[]): MiddlewareHandler<GatewayEnv> {
  return async (c, next) => {
    if (c.var.principal?.via === 'cookie' && !READS.has(c.req.method)) {
      const origin = c.req.header('origin')
      if (origin === undefined || !isKnownPage(c.req.url, origin, origins)) {
        throw new GatewayError('FORBIDDEN', 'With the session cookie, changes are taken from this gateway’s pages only')
      }
    }
    await next()
  }
}
