import type { MiddlewareHandler } from 'hono'
import { routePath } from 'hono/route'
import { Gauge, Histogram, type Registry } from 'prom-client'
import type { Clock } from '../../node/clock.ts'
import type { EventStreams } from '../events/index.ts'
import type { GatewayEnv } from '../http/context.ts'

/** Seconds until the answer's head is out; a stream's life is not in it. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]

/** Times every request, by route and status: never by path, of which there are as many as jobs. */
export function httpMetrics(
  registry: Registry,
  { clock, streams }: { clock: Clock; streams: Pick<EventStreams, 'size'> },
): MiddlewareHandler<GatewayEnv> {
  const registers = [registry]
  new Gauge({
    name: 'cortex_event_streams',
    help: 'Open streams of server-sent events',
    registers,
    collect() {
      this.set(streams.size())
    },
  })
  const seconds = new Histogram({
    name: 'cortex_http_request_seconds',
    help: 'Requests by method, route and status',
    labelNames: ['method', 'route', 'status'],
    buckets: BUCKETS,
    registers,
  })
  return async (c, next) => {
    const startedMs = clock.monotonicMs()
    await next()
    const route = c.res.status === 404 ? 'unknown' : routePath(c)
    seconds.observe({ method: c.req.method, route, status: c.res.status }, (clock.monotonicMs() - startedMs) / 1000)
  }
}
