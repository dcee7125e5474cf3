import { createHash, timingSafeEqual } from 'node:crypto'
import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Registry } from 'prom-client'
import { isAdmin } from '../auth/principal.ts'
import { bearerOf, type GatewayContext, type GatewayEnv, remoteAddress } from '../context.ts'
import { GatewayError } from '../errors.ts'
import { isLoopbackAddress, isLoopbackName } from '../http/loopback.ts'

export interface MetricsAccess {
  /** A token of its own for scrapers elsewhere; absent: this machine and admins only. */
  metricsToken?: string
}

/** `GET /metrics` in Prometheus form, for this machine, admins, and whoever has its own token. */
export function addMetricsRoute(app: OpenAPIHono<GatewayEnv>, registry: Registry, init: MetricsAccess): void {
  app.get('/metrics', async (c) => {
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
  return isLoopbackAddress(remoteAddress(c)) && isLoopbackName(new URL(c.req.url).hostname)
}

function sameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
