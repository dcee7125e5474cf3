import type { MiddlewareHandler } from 'hono'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import type { GatewayEnv } from './context.ts'

/** One line a request: never a body, a query (it may hold a token) or a header. */
export function accessLog(components: { logger: Logger; clock: Clock }): MiddlewareHandler<GatewayEnv> {
  const { logger, clock } = components
  return async (c, next) => {
    const startedMs = clock.monotonicMs()
    await next()
    const { method, path } = c.req
    const durationMs = Math.round(clock.monotonicMs() - startedMs)
    const keyId = c.var.principal?.keyId ?? null
    logger.info({ requestId: c.var.requestId, method, path, status: c.res.status, durationMs, keyId }, 'request')
  }
}
