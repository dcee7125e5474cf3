import type { OpenAPIHono } from '@hono/zod-openapi'
import { StoreUnavailableError } from '../../node/store/index.ts'
import type { GatewayEnv } from '../context.ts'
import type { GatewayParts } from '../parts.ts'
import { addChangeRoutes } from './change-routes.ts'
import { addContainerRoutes } from './container-routes.ts'
import { addReadRoutes } from './read-routes.ts'
import { addRecordRoutes } from './record-routes.ts'

/** Everything under `/plugin-core/jobs` that concerns single jobs. */
export function addJobRoutes(api: OpenAPIHono<GatewayEnv>, parts: GatewayParts): void {
  // What cannot be written waits until it can; nobody is to wait for that with a request.
  api.use('/plugin-core/jobs/*', async (c, next) => {
    const problem = parts.node.store.problem()
    if (c.req.method !== 'GET' && problem !== null) throw new StoreUnavailableError(problem)
    await next()
  })
  addReadRoutes(api, parts)
  addChangeRoutes(api, parts)
  addRecordRoutes(api, parts)
  addContainerRoutes(api, parts)
}
