import type { MiddlewareHandler } from 'hono'
import type { Registry } from 'prom-client'
import { createBackground } from '../../node/background.ts'
import type { Clock } from '../../node/clock.ts'
import type { ClientNode } from '../../node/index.ts'
import type { Logger } from '../../node/logger.ts'
import { type EventStreams, followFeed } from '../events/index.ts'
import type { GatewayEnv } from '../http/context.ts'
import { basesOf, type Feature } from '../http/feature.ts'
import { httpMetrics } from './http-metrics.ts'
import { createJobMetrics } from './job-metrics.ts'
import { addMetricsRoute, type MetricsAccess } from './route.ts'

/** What {@link openMetrics} works with. */
export interface MetricsComponents {
  node: ClientNode
  streams: Pick<EventStreams, 'size'>
  registry: Registry
  clock: Clock
  logger: Logger
}

/** What Prometheus reads. */
export interface Metrics extends Feature {
  jobMetrics: ReturnType<typeof createJobMetrics>
  /** Times every request. */
  timeRequests: MiddlewareHandler<GatewayEnv>
}

/** Counts events of jobs from its `start` on: earlier ones are not counted again. */
export function openMetrics(components: MetricsComponents, init: MetricsAccess): Metrics {
  const { node, registry, logger } = components
  const { store } = node
  const jobMetrics = createJobMetrics(registry, node)
  const background = createBackground({ logger })
  return {
    jobMetrics,
    timeRequests: httpMetrics(registry, components),
    rootRoutes(app) {
      for (const base of basesOf(app)) addMetricsRoute(base, registry, init)
    },
    async start() {
      background.run('metrics', async (signal) => {
        for await (const entries of followFeed(store, store.feedEnd(), signal)) entries.forEach(jobMetrics.note)
      })
    },
    stop: background.stop,
  }
}
