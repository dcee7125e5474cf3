import { RateLimiterMemory } from 'rate-limiter-flexible'
import { type GatewayContext, remoteAddress } from '../context.ts'
import { GatewayError } from '../errors.ts'

/** Wrong keys one address may send in a minute before it is told to wait. Right ones are always heard. */
const PER_MINUTE = 20

/** Slows down whoever guesses keys. */
export interface WrongKeys {
  /** What to answer to a wrong key. */
  problem(c: GatewayContext): Promise<GatewayError>
}

export function createWrongKeys(): WrongKeys {
  const limiter = new RateLimiterMemory({ points: PER_MINUTE, duration: 60 })
  return {
    async problem(c) {
      const { consumedPoints, msBeforeNext } = await limiter.penalty(remoteAddress(c) || 'unknown', 1)
      if (consumedPoints <= PER_MINUTE) {
        return new GatewayError('UNAUTHORIZED', 'This key is wrong, revoked or expired: check it, or make a new one')
      }
      const waitSeconds = Math.ceil(msBeforeNext / 1000)
      return new GatewayError('RATE_LIMIT_EXCEEDED', `Too many wrong keys: wait ${waitSeconds} s`, {
        headers: { 'Retry-After': String(waitSeconds) },
      })
    },
  }
}
