import { type GatewayContext, principalOf } from '../http/context.ts'
import { GatewayError } from '../http/errors.ts'
import { isKnownPage } from '../http/origin-check.ts'
import type { Principal } from '../http/principal.ts'

/**
 * Who calls tools: a program with a key. A browser's session opens nothing here, and a page elsewhere is not heard, key or
 * not, unless the operator listed its origin.
 * @throws {GatewayError}
 */
export function callerOf(c: GatewayContext, origins: readonly string[]): Principal {
  const origin = c.req.header('origin')
  if (origin !== undefined && !isKnownPage(c.req.url, origin, origins)) {
    throw new GatewayError('FORBIDDEN', 'Pages of this origin may not call tools: add it with --cors-origin')
  }
  const principal = principalOf(c)
  if (principal.via === 'key') return principal
  throw new GatewayError('UNAUTHORIZED', 'Tools take a key: send the header Authorization: Bearer KEY')
}
