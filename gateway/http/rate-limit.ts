import type { MiddlewareHandler } from 'hono'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import type { Clock } from '../../node/clock.ts'
import { type GatewayContext, type GatewayEnv, remoteAddress } from '../context.ts'
import { GatewayError } from '../errors.ts'

/** Requests a key may make in a minute where nothing else is configured. */
export const DEFAULT_PER_MINUTE = 300
const WINDOW_SECONDS = 60

export interface RateLimits {
  /** Requests a key, or an address without one, may make in a minute. */
  perMinute: number
  /** Whether more are refused; where not, the headers always show the full allowance. */
  enforced: boolean
}

export interface RateState {
  limit: number
  remaining: number
  /** Epoch seconds. */
  reset: number
}

/** Counts requests per key, tells the client in headers, and refuses what is beyond. */
export function createRateLimit(components: { clock: Clock }, init: RateLimits) {
  const limiter = new RateLimiterMemory({ points: init.perMinute, duration: WINDOW_SECONDS })
  const who = (c: GatewayContext) => c.var.principal?.keyId ?? `address ${remoteAddress(c)}`

  function state(used: number, msBeforeNext: number): RateState {
    const remaining = init.enforced ? Math.max(0, init.perMinute - used) : init.perMinute
    return {
      limit: init.perMinute,
      remaining,
      reset: Math.ceil((components.clock.nowMs() + msBeforeNext) / 1000),
    }
  }

  const middleware: MiddlewareHandler<GatewayEnv> = async (c, next) => {
    const used = init.enforced ? await limiter.penalty(who(c), 1) : { consumedPoints: 0, msBeforeNext: 0 }
    const { limit, remaining, reset } = state(used.consumedPoints, used.msBeforeNext)
    c.header('X-RateLimit-Limit', String(limit))
    c.header('X-RateLimit-Remaining', String(remaining))
    c.header('X-RateLimit-Reset', String(reset))
    if (used.consumedPoints > init.perMinute) {
      const waitSeconds = Math.max(1, Math.ceil(used.msBeforeNext / 1000))
      throw new GatewayError('RATE_LIMIT_EXCEEDED', `More than ${limit} requests a minute: wait ${waitSeconds} s`, {
        headers: { 'Retry-After': String(waitSeconds) },
      })
    }
    await next()
  }

  return {
    middleware,
    /** Of whoever asks, without counting anew. */
    async current(c: GatewayContext): Promise<RateState & { enforced: boolean }> {
      const used = await limiter.get(who(c))
      return { ...state(used?.consumedPoints ?? 0, used?.msBeforeNext ?? 0), enforced: init.enforced }
    },
  }
}
export type RateLimit = ReturnType<typeof createRateLimit>
