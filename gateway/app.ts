import { OpenAPIHono } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { cors } from 'hono/cors'
import { requestId } from 'hono/request-id'
import { secureHeaders } from 'hono/secure-headers'
import { addAnalyticsRoutes } from './analytics/routes.ts'
import { addAuditRoutes, auditChanges } from './audit/audit.ts'
import { type AuthenticateInit, authenticate } from './auth/authenticate.ts'
import { addKeyRoutes } from './auth/key-routes.ts'
import { addSessionRoutes, addSignInLink } from './auth/session-routes.ts'
import { createWrongKeys } from './auth/wrong-keys.ts'
import { addBatchRoutes } from './batches/routes.ts'
import type { GatewayEnv } from './context.ts'
import { errorResponse, validationError } from './error-response.ts'
import { GatewayError } from './errors.ts'
import { addEventRoutes } from './events/routes.ts'
import { addExplorerRoutes } from './explorer/route.ts'
import { accessLog } from './http/access-log.ts'
import { hostCheck } from './http/host-check.ts'
import { originCheck } from './http/origin-check.ts'
import { createRateLimit, DEFAULT_PER_MINUTE, type RateLimits } from './http/rate-limit.ts'
import { addJobRoutes } from './jobs/routes.ts'
import { httpMetrics } from './metrics/http-metrics.ts'
import { addMetricsRoute, type MetricsAccess } from './metrics/route.ts'
import type { GatewayParts } from './parts.ts'
import { addProviderHistoryRoute } from './providers/history.ts'
import { addPricingRoute } from './providers/pricing.ts'
import { addProviderRoutes } from './providers/routes.ts'
import { createPortOrigins } from './reach/port-origins.ts'
import { addScheduleRoutes } from './schedules/routes.ts'
import type { Services } from './services.ts'
import { addSocketRoute } from './sockets/route.ts'
import { apiDocument, describeSecurity } from './system/document.ts'
import { addSystemRoutes } from './system/routes.ts'
import { addTemplateRoutes } from './templates/routes.ts'
import { DASHBOARD_FOLDER } from './web/dashboard-files.ts'
import { createDashboard } from './web/dashboard-route.ts'
import { addDeliveryRoutes } from './webhooks/delivery-routes.ts'
import { addWebhookRoutes } from './webhooks/routes.ts'

/** Largest body of a request, in bytes. The largest valid job is a quarter of it. */
const MAX_BODY_BYTES = 1024 * 1024

export interface GatewayAppInit extends AuthenticateInit, MetricsAccess {
  /** Version of this program. */
  version: string
  /** Host names that clients may use, besides addresses and `localhost`. @default [] */
  allowedHosts?: string[]
  /** Origins of web pages elsewhere that may use the API, e.g. `https://panel.example`. @default [] */
  corsOrigins?: string[]
  /** Browsers reach a job's ports under names of it, `PORT--JOB.DOMAIN`; the DNS has to lead them all here. @default "localhost" */
  proxyDomain?: string
  /** @default 300 a minute, enforced */
  rateLimits?: Partial<RateLimits>
  /** Where the built dashboard is. @default where the build puts it */
  dashboardFolder?: string
}

/** The API as one application; it listens to nothing by itself. */
export function createGatewayApp(services: Services, init: GatewayAppInit): OpenAPIHono<GatewayEnv> {
  const { logger, clock } = services
  const { version, allowedHosts = [], corsOrigins = [], proxyDomain = 'localhost' } = init
  const portOrigins = createPortOrigins({ clock }, { domain: proxyDomain })
  const rateLimit = createRateLimit({ clock }, { perMinute: DEFAULT_PER_MINUTE, enforced: true, ...init.rateLimits })
  const wrongKeys = createWrongKeys()
  const dashboard = createDashboard(init.dashboardFolder ?? DASHBOARD_FOLDER)
  const parts: GatewayParts = {
    ...services,
    wrongKeys,
    portOrigins,
    rateLimit,
    startedMs: clock.monotonicMs(),
    version,
  }

  const app = newApp()
  app.onError((error, c) => errorResponse(c, error, logger))
  app.notFound((c) => {
    const problem = new GatewayError('RESOURCE_NOT_FOUND', `There is no ${c.req.method} ${c.req.path}`)
    return errorResponse(c, problem, logger)
  })
  app.use(
    requestId(),
    accessLog({ logger, clock }),
    httpMetrics(services.registry, services),
    portOrigins.serve(services),
    hostCheck(allowedHosts),
    secureHeaders({ crossOriginResourcePolicy: corsOrigins.length === 0 ? 'same-origin' : 'cross-origin' }),
  )
  if (corsOrigins.length > 0) {
    app.use(cors({ origin: corsOrigins, credentials: true, exposeHeaders: EXPOSED_HEADERS, maxAge: 600 }))
  }
  app.use(dashboard.serveFiles)
  app.use(
    authenticate({ ...services, wrongKeys }, init),
    auditChanges(services.audit),
    rateLimit.middleware,
    originCheck(corsOrigins),
    limitBody(),
  )

  const api = createApi(parts)
  app.route('/api/v1', api)
  app.route('/api', api)
  addSystemRoutes(app, parts)
  addSignInLink(app, parts)
  for (const base of [app, app.basePath('/api'), app.basePath('/api/v1')]) {
    addSocketRoute(base, parts)
    addMetricsRoute(base, services.registry, init)
  }
  dashboard.addPages(app)
  return app
}

const EXPOSED_HEADERS = [
  'X-Request-Id',
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Reset',
  'Retry-After',
]

/** Every route below the base, and the document that describes them. */
function createApi(parts: GatewayParts): OpenAPIHono<GatewayEnv> {
  const api = newApp()
  // Before the jobs, whose `/jobs/{id}` would take their names for ids.
  addTemplateRoutes(api, parts)
  addScheduleRoutes(api, parts)
  addBatchRoutes(api, parts)
  addJobRoutes(api, parts)
  addProviderRoutes(api, parts)
  addPricingRoute(api, parts)
  addProviderHistoryRoute(api, parts)
  addAnalyticsRoutes(api, parts)
  addEventRoutes(api, parts)
  addWebhookRoutes(api, parts)
  addDeliveryRoutes(api, parts)
  addSessionRoutes(api, parts)
  addKeyRoutes(api, parts)
  addSystemRoutes(api, parts)
  addAuditRoutes(api, parts)
  addExplorerRoutes(api)
  describeSecurity(api)
  let document: ReturnType<typeof apiDocument> | undefined
  api.get('/openapi.json', (c) => {
    document ??= apiDocument(api, parts.version)
    return c.json(document)
  })
  return api
}

function newApp(): OpenAPIHono<GatewayEnv> {
  return new OpenAPIHono<GatewayEnv>({
    defaultHook: (result) => {
      if (!result.success) throw validationError(result.error, WHERE[result.target])
    },
  })
}

const WHERE: Record<string, string> = { json: 'body', form: 'body', param: 'path', query: 'query', header: 'header' }

/** Batches are read as they arrive, and bounded where that is done. */
const BATCH_PATH = /\/plugin-core\/jobs\/batch$/
/** What goes to a container is not read here. */
const PROXY_PATH = /\/plugin-core\/jobs\/[^/]+\/proxy\/\d+(?:\/|$)/

function limitBody(): MiddlewareHandler<GatewayEnv> {
  const usual = bodyLimit({ maxSize: MAX_BODY_BYTES, onError: tooLarge })
  return async (c, next) => {
    const isPassedOn = PROXY_PATH.test(c.req.path) || (c.req.method === 'POST' && BATCH_PATH.test(c.req.path))
    if (isPassedOn) await next()
    else return await usual(c, next)
  }
}

function tooLarge(): never {
  throw new GatewayError('PAYLOAD_TOO_LARGE', `The body is larger than ${MAX_BODY_BYTES} bytes`)
}
