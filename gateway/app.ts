import { join } from 'node:path'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import { requestId } from 'hono/request-id'
import type { Registry } from 'prom-client'
import type { Clock } from '../node/clock.ts'
import type { ClientNode } from '../node/index.ts'
import type { Logger } from '../node/logger.ts'
import { createSecretBox, loadMasterKey } from '../node/store/secret-box.ts'
import type { StillToRun } from '../node/uploads/index.ts'
import { openAnalytics } from './analytics/open.ts'
import { openAudit } from './audit/open.ts'
import { createKeysBehind } from './auth/left-behind.ts'
import { type AuthInit, openAuth } from './auth/open.ts'
import { openBatches } from './batches/open.ts'
import { createAnswers } from './events/answers.ts'
import type { Ask } from './events/index.ts'
import { openEvents } from './events/open.ts'
import { createEventStreams } from './events/streams.ts'
import { accessLog } from './http/access-log.ts'
import { createApp, forOrigins } from './http/app.ts'
import { boundBody } from './http/body-bounds.ts'
import type { Feature } from './http/feature.ts'
import { hostCheck, oneHost } from './http/host-check.ts'
import { MAX_BODIES, MAX_READ, sharesOf } from './http/limits.ts'
import { originCheck } from './http/origin-check.ts'
import { createRateLimit, DEFAULT_PER_MINUTE, type RateLimits } from './http/rate-limit.ts'
import { createShares } from './http/shares.ts'
import { createConfigVault } from './jobs/job-config.ts'
import { type JobsInit, openJobs } from './jobs/open.ts'
import { openMcp } from './mcp/open.ts'
import { openMetrics } from './metrics/open.ts'
import { MetricsRegistry } from './metrics/registry.ts'
import type { MetricsAccess } from './metrics/route.ts'
import { openPages } from './pages/open.ts'
import { openProviders } from './providers/open.ts'
import { openReach } from './reach/open.ts'
import { openRecords } from './records/table.ts'
import { openSchedules } from './schedules/open.ts'
import { openSsh, type SshInit } from './ssh/open.ts'
import { addDocument } from './system/document.ts'
import { openSystem } from './system/open.ts'
import { openTemplates } from './templates/open.ts'
import { openUploads } from './uploads/open.ts'
import { openVolumes } from './volumes/open.ts'
import type { Resolve } from './webhooks/address-check.ts'
import { openWebhooks, type WebhooksInit } from './webhooks/open.ts'

/** How the gateway’s application is set up; what is absent has the default beside it. */
export interface GatewayAppInit extends AuthInit, MetricsAccess, WebhooksInit, Pick<JobsInit, 'retention'> {
  /** The gateway's folder, `DATA/gateway`: its records and keys. */
  folder: string
  /** Version of this program. */
  version: string
  /** Encrypts secrets of templates and the like instead of the key in the folder. */
  masterKey?: string
  /** Other names for providers and networks, e.g. `{ akash: 'p2p' }`, so that old scripts can be kept. @default {} */
  providerAliases?: Readonly<Record<string, string>>
  /** Host names that clients may use, besides addresses and `localhost`. @default [] */
  allowedHosts?: string[]
  /** Origins of web pages elsewhere that may use the API, e.g. `https://panel.example`. @default [] */
  corsOrigins?: string[]
  /** Browsers reach a job's ports under names of it, `PORT--JOB.DOMAIN`; the DNS has to lead them all here. @default "localhost" */
  proxyDomain?: string
  /** @default 300 a minute, enforced */
  rateLimits?: Partial<RateLimits>
  /** Event streams and sockets that are open at a time; a key has an eighth of them. @default 2048 */
  maxStreams?: number | undefined
  /** Where jobs are reached by SSH. @default nowhere */
  ssh?: SshInit
  /** Where the built dashboard is. @default where the build puts it */
  dashboardFolder?: string
}

/** What {@link openGatewayApp} works with. */
export interface GatewayAppComponents {
  node: ClientNode
  clock: Clock
  logger: Logger
  /** How host names of webhooks are resolved. @default the system's */
  resolve?: Resolve | undefined
  /** Where metrics are registered. @default one of its own */
  registry?: Registry | undefined
}

/** The API as one application, and what it does besides answering; it listens to nothing by itself. */
export type GatewayApp = Awaited<ReturnType<typeof openGatewayApp>>

/** @throws {DataFolderError} @throws {AdminKeyError} */
export async function openGatewayApp(components: GatewayAppComponents, init: GatewayAppInit) {
  const { node, clock, logger, resolve, registry = new MetricsRegistry() } = components
  const { folder, version, providerAliases = {}, proxyDomain = 'localhost', retention } = init
  const { store, directory, requester, volumes } = node
  await using stack = new AsyncDisposableStack()
  const db = await openRecords(folder)
  stack.defer(async () => await db.close())
  const secretBox = createSecretBox(init.masterKey ?? (await loadMasterKey(folder)))
  const rateLimit = createRateLimit({ clock }, { perMinute: DEFAULT_PER_MINUTE, enforced: true, ...init.rateLimits })
  const streams = createEventStreams({ clock, logger })
  const auth = await openAuth({ db, streams, clock, logger }, init)
  const shares = createShares('event streams and sockets', sharesOf(init.maxStreams))
  const readShares = createShares('lists and logs that are being read', MAX_READ)
  const bodies = createShares('bytes of bodies', MAX_BODIES)
  const answers = createAnswers({ streams, revocation: auth.revocation, shares, readShares })
  const ask: Ask = (request, env) => app.fetch(request, env)
  const { keys, keyGuard, tokens, revocation } = auth
  const audit = await openAudit({ db, clock, logger })
  const keysBehind = createKeysBehind({ keys, audit, clock, logger })
  const vault = createConfigVault(secretBox)
  const submitting = { store, directory, requester, uploads: node.uploads, volumes, providerAliases }
  const templates = await openTemplates({ db, ...submitting, vault, clock })
  const system = openSystem({ node, rateLimit, clock, version, startedMs: clock.monotonicMs() })
  const batches = await openBatches(
    { db, ...submitting, bodies, revocation, clock, logger },
    // Emptied at every start. The node of the gateway keeps what is given for jobs in `uploads` of the same folder.
    { uploads: join(folder, 'batch-files') },
  )
  const { goesOn: batchGoesOn, view: batchView } = batches
  const providers = await openProviders({ db, node, answers, batchView, clock, logger }, { providerAliases })
  const { providerLog } = providers
  const stillToRun = () => stillToRunOf(rooms)

  /** In the order in which they begin, and in which a path finds its route: what is below `/jobs/` before `/jobs/{id}`. */
  const features = {
    auth,
    audit,
    providers,
    webhooks: await openWebhooks(
      { db, store, directory, providerLog, secretBox, keysBehind, resolve, clock, logger },
      init,
    ),
    templates,
    schedules: await openSchedules({
      ...{ db, ...submitting, vault, keysBehind, pace: rateLimit.schedules, clock, logger },
      templateOf: templates.get,
    }),
    batches,
    uploads: openUploads({ uploads: node.uploads, revocation, clock }),
    keysBehind,
    jobs: openJobs(
      { node, answers, stillToRun, batchGoesOn, batchView, clock, logger },
      { providerAliases, retention },
    ),
    reach: openReach({ node, answers, keys, keyGuard, tokens, revocation, shares, clock, logger }, { proxyDomain }),
    ssh: await openSsh({ db, node, keys, keyGuard, revocation, shares, clock, logger }, { folder, ssh: init.ssh }),
    volumes: openVolumes({ node, revocation, shares }),
    analytics: openAnalytics({ node, clock }),
    events: openEvents({
      ...{ store, directory, providerLog, answers, keyGuard, revocation, shares },
      ...{ clock, logger, health: system.health, ask },
    }),
    system,
    mcp: openMcp({ ask, revocation, store, clock, logger }, { version, origins: init.corsOrigins ?? [] }),
    metrics: openMetrics({ node, streams, registry, clock, logger }, init),
    pages: openPages(init),
  }
  const { reach } = features
  const rooms: Feature[] = Object.values(features)
  node.uploads.keepFor(stillToRun)
  const middleware = [
    requestId(),
    accessLog({ logger, clock }),
    features.metrics.timeRequests,
    oneHost,
    reach.serveOrigins,
    hostCheck(init.allowedHosts ?? []),
    ...forOrigins(init.corsOrigins ?? []),
    features.pages.serveFiles,
    features.pages.serveDocs,
    auth.authenticate,
    features.audit.noteChanges,
    rateLimit.middleware,
    originCheck(init.corsOrigins ?? []),
    boundBody(bodies, ({ req }) => rooms.some((room) => room.readsBody?.(req) === true)),
    auth.assertStands,
  ]
  const app = createApp({ logger }, rooms, middleware, (api) => addDocument(api, version))
  for (const room of rooms) if (room.stop !== undefined) stack.defer(room.stop)
  const running = stack.move()

  return {
    app,
    db,
    features,
    registry,
    /** Those that are open. */
    streams,
    /** Jobs that may come of what is kept. */
    stillToRun,
    adminKey: auth.adminKey,
    adminSignInCode: auth.adminSignInCode,
    /** Whether a `Host` is that of a job's port. */
    isPort: reach.isPort,
    /** Where jobs are reached by SSH; null for nowhere. */
    sshPlace: features.ssh.place,
    /** Begins what goes on by itself: schedules, webhooks, metrics. */
    async start(): Promise<void> {
      for (const room of rooms) await room.start?.()
    },
    /** Ends what is open on behalf of clients: streams, sockets, tunnels. */
    async letGo(): Promise<void> {
      for (const room of rooms) room.letGo?.()
      auth.revocation.stop()
      await streams.stop()
    },
    /** Ends what goes on by itself, the last first, and closes the records. */
    stop: async (): Promise<void> => await running.disposeAsync(),
  }
}

/** Jobs that may come of what is kept. */
async function* stillToRunOf(rooms: Feature[]): AsyncGenerator<StillToRun> {
  for (const room of rooms) if (room.stillToRun !== undefined) yield* room.stillToRun()
}
