import type { Clock } from '../../node/clock.ts'
import type { ClientNode } from '../../node/index.ts'
import type { Feature } from '../http/feature.ts'
import { addAnalyticsRoutes } from './routes.ts'

/** What jobs cost. */
export function openAnalytics(components: { node: Pick<ClientNode, 'store'>; clock: Clock }): Feature {
  return { routes: (api) => addAnalyticsRoutes(api, components) }
}
