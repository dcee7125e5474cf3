import type { MiddlewareHandler } from 'hono'
import type { GatewayEnv } from '../http/context.ts'
import type { Feature } from '../http/feature.ts'
import { DASHBOARD_FOLDER, DOCS_FOLDER } from './dashboard-files.ts'
import { createDashboard } from './dashboard-route.ts'
import { serveDocs } from './docs-route.ts'
import { addExplorerRoutes } from './explorer.ts'

/** What people see in a browser: the dashboard, the documentation, and the explorer of the API. Its routes at the root come last. */
export interface Pages extends Feature {
  /** Answers the dashboard's files by their names. */
  serveFiles: MiddlewareHandler<GatewayEnv>
  /** Answers the documentation. */
  serveDocs: MiddlewareHandler<GatewayEnv>
}

/** @param init.dashboardFolder where the built dashboard is @default where the build puts it */
export function openPages(init: { dashboardFolder?: string | undefined }): Pages {
  const dashboard = createDashboard(init.dashboardFolder ?? DASHBOARD_FOLDER)
  return {
    serveFiles: dashboard.serveFiles,
    serveDocs: serveDocs(DOCS_FOLDER),
    routes: addExplorerRoutes,
    rootRoutes: dashboard.addPages,
  }
}
