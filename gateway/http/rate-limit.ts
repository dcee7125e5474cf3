import type { MiddlewareHandler } from 'hono'
import RateLimiterMemory from 'rate-limiter-flexible/lib/RateLimiterMemory.js'
import type { Clock } from '../../node/clock.ts'
import { type GatewayContext, type GatewayEnv, remoteAddress } from './context.ts'
import { GatewayError } from './errors.ts'

/** Requests a key may make in a minute where nothing else is configured. */
export const DEFAULT_PER_MINUTE = 300
const WINDOW_SECONDS = 60
/** Requests of all keys of an owner together, as a multiple of what one may make. */
const OWNER_TIMES = 5

/** How much may be asked for. */
export interface RateLimits {
  /** Requests a key, or an address without one, may make in a minute. */
  perMinute: number
  /** Whether more are refused; where not, the headers always show the full allowance. */
  enforced: boolean
}

/** How much whoever asks may still ask for, as the headers `X-RateLimit-…` say it. */
export interface RateState {
  /** Requests a minute. */
  limit: number
  remaining: number
  /** Epoch seconds. */
  reset: number
}

/**
 * Counts requests per key, tells the client in headers, and refuses what is beyond. In windows of a minute that begin
 * with the first request, by the library's own timers: `X-RateLimit-Reset` names the second at which all is there again,
 * which a budget that refills evenly (`node/rate-budget.ts`) does not have. What was refused counts, too.
 */
export function createRateLimit(components: { clock: Clock }, init: RateLimits) {
  const limiter = new RateLimiterMemory({ points: init.perMinute, duration: WINDOW_SECONDS })
  const owners = new RateLimiterMemory({ points: init.perMinute * OWNER_TIMES, duration: WINDOW_SECONDS })
  const ticks = new RateLimiterMemory({ points: init.perMinute, duration: WINDOW_SECONDS })
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
    if (used.consumedPoints > init.perMinute) throw tooMany(`${limit} requests`, used.msBeforeNext)
    const { principal } = c.var
    if (init.enforced && principal !== null) {
      const all = await owners.penalty(principal.owner, 1)
      const most = init.perMinute * OWNER_TIMES
      if (all.consumedPoints > most) throw tooMany(`${most} requests with all keys of this owner`, all.msBeforeNext)
    }
    await next()
  }

  return {
    middleware,
    /** Of what schedules do, who ask nothing: as many a minute for each owner as a key may ask. */
    schedules: {
      perMinute: init.perMinute,
      async take(owner: string): Promise<boolean> {
        return !init.enforced || (await ticks.penalty(owner, 1)).consumedPoints <= init.perMinute
      },
    },
    /** Of whoever asks, without counting anew. */
    async current(c: GatewayContext): Promise<RateState & { enforced: boolean }> {
      const used = await limiter.get(who(c))
      return { ...state(used?.consumedPoints ?? 0, used?.msBeforeNext ?? 0), enforced: init.enforced }
    },
  }
}

function tooMany(what: string, msBeforeNext: number): GatewayError {
  const waitSeconds = Math.max(1, Math.ceil(msBeforeNext / 1000))
  return new GatewayError('RATE_LIMIT_EXCEEDED', `More than ${what} a minute: wait ${waitSeconds} s`, {
    headers: { 'Retry-After': String(waitSeconds) },
  })
}

/** What {@link createRateLimit} makes. */
export type RateLimit = ReturnType<typeof createRateLimit>
