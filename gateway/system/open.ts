import type { Feature } from '../http/feature.ts'
import { addSystemRoutes, type Health, healthOf, type SystemComponents } from './routes.ts'

/** The gateway itself. */
export interface System extends Feature {
  health(): Health
}

/** What the gateway says of itself, below the base of the API and at the root. */
export function openSystem(components: SystemComponents): System {
  const health = () => healthOf(components)
  return {
    health,
    routes: (api) => addSystemRoutes(api, { ...components, health }),
    rootRoutes: (app) => addSystemRoutes(app, { ...components, health }),
  }
}
