import type { MiddlewareHandler } from 'hono'
import type { Answers } from '../events/index.ts'
import type { GatewayEnv } from '../http/context.ts'
import type { Feature } from '../http/feature.ts'
import { addContainerRoutes } from './container-routes.ts'
import { addFileRoutes } from './file-routes.ts'
import { createKeptConnections } from './kept-connections.ts'
import { createPortOrigins, type OriginComponents } from './port-origins.ts'

const PROXY_PATH = /\/plugin-core\/jobs\/[^/]+\/proxy\/\d+(?:\/|$)/

const FILES_PATH = /\/plugin-core\/jobs\/[^/]+\/files$/

/** What reaches into containers: ports, commands, files, a look. */
export interface Reach extends Feature {
  /** Whether a `Host` is that of a job's port. */
  isPort(host: string): boolean
  /** Answers what is asked at the origin of a job's port; everything else goes on. */
  serveOrigins: MiddlewareHandler<GatewayEnv>
}

/** @param init.proxyDomain what the origins of ports are under */
export function openReach(
  given: Omit<OriginComponents, 'kept'> & { answers: Pick<Answers, 'events' | 'hold'> },
  init: { proxyDomain: string },
): Reach {
  const components = { ...given, kept: createKeptConnections(given) }
  const portOrigins = createPortOrigins(components, { domain: init.proxyDomain })
  return {
    isPort: portOrigins.isPort,
    serveOrigins: portOrigins.serve(components),
    // What goes to a container is not read here.
    readsBody: ({ method, path }) => PROXY_PATH.test(path) || (method === 'PUT' && FILES_PATH.test(path)),
    routes(api) {
      addContainerRoutes(api, { ...components, portOrigins })
      addFileRoutes(api, components)
    },
  }
}
