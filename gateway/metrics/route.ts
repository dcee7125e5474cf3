import { createHash, timingSafeEqual } from 'node:crypto'
import type { Registry } from 'prom-client'
import { bearerOf, type GatewayContext } from '../http/context.ts'
import { GatewayError } from '../http/errors.ts'
import type { Api } from '../http/feature.ts'
import { isLocal } from '../http/loopback.ts'
import { isAdmin } from '../http/principal.ts'

/** Who may read the metrics. */
export interface MetricsAccess {
  /** A token of its own for scrapers elsewhere; absent: this machine and admins only. */
  metricsToken?: string
}

/** `GET /metrics` in Prometheus form, for this machine, admins, and whoever has its own token. */
export function addMetricsRoute(app: Api, registry: Registry, init: MetricsAccess): void {
  app.get('/metrics', async (c) => {
    // Where too many wrong keys come from, no token is looked at either.
    if (c.var.authProblem?.code === 'RATE_LIMIT_EXCEEDED') throw c.var.authProblem
    if (!mayRead(c, init.metricsToken)) {
      throw new GatewayError(
        'UNAUTHORIZED',
        'Metrics are for this machine: elsewhere send an admin key or its own token',
      )
    }
    return c.body(await registry.metrics(), 200, { 'Content-Type': registry.contentType })
  })
}

function mayRead(c: GatewayContext, token: string | undefined): boolean {
  const { principal } = c.var
  if (principal !== null && isAdmin(principal)) return true
  const bearer = bearerOf(c)
  if (bearer !== undefined) return token !== undefined && sameText(bearer, token)
  return isLocal(c)
}

function sameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
