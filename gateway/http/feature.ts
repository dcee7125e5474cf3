import type { OpenAPIHono } from '@hono/zod-openapi'
import type { StillToRun } from '../../node/uploads/index.ts'
import type { GatewayEnv } from './context.ts'

/** What routes are added to. */
export type Api = OpenAPIHono<GatewayEnv>

/** One room of the gateway: its routes, and what it does by itself. `open…` of its `open.ts` makes it, of what it needs. */
export interface Feature {
  /** Adds its operations to the API, which stands below `/api` and `/api/v1`. */
  routes?(api: Api): void
  /** Whether it reads the body of this request itself, within bounds of its own. */
  readsBody?(request: { method: string; path: string }): boolean
  /** Adds what it answers elsewhere: at the root, or with a path of its own. Called after every feature's `routes`. */
  rootRoutes?(app: Api): void
  /** Jobs that may come of what it keeps, and of whose uploads none is to be forgotten. */
  stillToRun?(): AsyncIterable<StillToRun>
  /** Begins what it does by itself, once the gateway listens. */
  start?(): Promise<void>
  /** Ends what it reads or sends on behalf of clients for as long as they like, since the gateway closes. */
  letGo?(): void
  /** Ends that, and writes down what is under way. Requests may still be answered. */
  stop?(): Promise<void>
}

/** Where routes that are no part of the document are found as well: at the root and below both bases of the API. */
export function basesOf(app: Api): Api[] {
  return [app, app.basePath('/api'), app.basePath('/api/v1')]
}
