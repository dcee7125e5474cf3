import type { WrongKeys } from './auth/wrong-keys.ts'
import type { RateLimit } from './http/rate-limit.ts'
import type { PortOrigins } from './reach/port-origins.ts'
import type { Services } from './services.ts'

/** What the routes are made of; each takes what it needs. */
export interface GatewayParts extends Services {
  wrongKeys: WrongKeys
  portOrigins: PortOrigins
  rateLimit: RateLimit
  /** When it began, on the monotonic clock, in ms. */
  startedMs: number
  /** Version of this program. */
  version: string
}
