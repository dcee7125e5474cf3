import type { MiddlewareHandler } from 'hono'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { type GatewayEnv, protocolOf } from './context.ts'

/** One line a request: never a body, a query (it may hold a token) or a header. */
export function accessLog(components: { logger: Logger; clock: Clock }): MiddlewareHandler<GatewayEnv> {
  const { logger, clock } = components
  return async (c, next) => {
    const startedMs = clock.monotonicMs()
    await next()
    const { method, path } = c.req
    const durationMs = Math.round(clock.monotonicMs() - startedMs)
    const keyId = c.var.principal?.keyId ?? null
    const how = { requestId: c.var.requestId, protocol: protocolOf(c), method, path }
    logger.info({ ...how, status: c.res.status, durationMs, keyId }, 'request')
  }
}
