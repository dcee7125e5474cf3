import { OpenAPIHono } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import { secureHeaders } from 'hono/secure-headers'
import type { Logger } from '../../node/logger.ts'
import type { GatewayEnv } from './context.ts'
import { errorResponse, validationError } from './error-response.ts'
import { GatewayError } from './errors.ts'
import type { Api, Feature } from './feature.ts'

/**
 * One application of all features: the API, once below `/api/v1` and once below `/api`, and what they answer elsewhere.
 * @param middleware what each request passes, in this order
 * @param addDocument adds what describes the API once it is complete
 */
export function createApp(
  { logger }: { logger: Logger },
  features: Feature[],
  middleware: MiddlewareHandler<GatewayEnv>[],
  addDocument: (api: Api) => void,
): Api {
  const app = newApp()
  app.onError((error, c) => errorResponse(c, error, logger))
  app.notFound((c) => {
    const problem = new GatewayError('RESOURCE_NOT_FOUND', `There is no ${c.req.method} ${c.req.path}`)
    return errorResponse(c, problem, logger)
  })
  for (const each of middleware) app.use(each)
  const api = newApp()
  for (const feature of features) feature.routes?.(api)
  addDocument(api)
  app.route('/api/v1', api)
  app.route('/api', api)
  for (const feature of features) feature.rootRoutes?.(app)
  return app
}

function newApp(): Api {
  return new OpenAPIHono<GatewayEnv>({
    defaultHook: (result) => {
      if (!result.success) throw validationError(result.error, WHERE[result.target])
    },
  })
}

const WHERE: Record<string, string> = { json: 'body', form: 'body', param: 'path', query: 'query', header: 'header' }

/** Headers that pages elsewhere may read. */
const EXPOSED_HEADERS = [
  'X-Request-Id',
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Reset',
  'Retry-After',
]

/** What browsers are told of pages elsewhere. @param origins of those that may use the API */
export function forOrigins(origins: string[]): MiddlewareHandler[] {
  if (origins.length === 0) return [secureHeaders({ crossOriginResourcePolicy: 'same-origin' })]
  return [
    secureHeaders({ crossOriginResourcePolicy: 'cross-origin' }),
    cors({ origin: origins, credentials: true, exposeHeaders: EXPOSED_HEADERS, maxAge: 600 }),
  ]
}
