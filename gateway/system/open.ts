import type { Feature } from '../http/feature.ts'
import { addSystemRoutes, type Health, healthOf, type SystemParts } from './routes.ts'

/** The gateway itself. */
export interface System extends Feature {
  health(): Health
}

/** What the gateway says of itself, below the base of the API and at the root. */
export function openSystem(parts: SystemParts): System {
  const health = () => healthOf(parts)
  return {
    health,
    routes: (api) => addSystemRoutes(api, { ...parts, health }),
    rootRoutes: (app) => addSystemRoutes(app, { ...parts, health }),
  }
}
