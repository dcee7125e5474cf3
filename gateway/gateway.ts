import { readFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import { findPackageJSON } from 'node:module'
import { isIPv6 } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import { collectDefaultMetrics, type Registry } from 'prom-client'
import { type Clock, systemClock } from '../node/clock.ts'
import type { ClientNode } from '../node/index.ts'
import type { Logger } from '../node/logger.ts'
import { createGatewayApp, type GatewayAppInit } from './app.ts'
import { ADMIN_KEY_ID } from './auth/key-ring.ts'
import { DEFAULT_HOST, DEFAULT_PORT } from './constants.ts'
import { createListener } from './http/listener.ts'
import { createPortOrigins } from './reach/port-origins.ts'
import { serveUpgrades } from './reach/upgrades.ts'
import { openServices, type ServicesInit } from './services.ts'
import { createSocketServer } from './sockets/route.ts'

export interface GatewayInit extends ServicesInit, Omit<GatewayAppInit, 'version'> {
  /** Address to listen on. @default "127.0.0.1" */
  host?: string
  /** 0 is any free one. @default 13000 */
  port?: number
}

export interface GatewayComponents {
  node: ClientNode
  logger: Logger
  clock?: Clock
  /** Where metrics are registered, the node's beside the gateway's. @default one of its own */
  registry?: Registry
}

export interface Gateway {
  /** @throws {ListenError} @throws {DataFolderError} @throws {AdminKeyError} */
  start(): Promise<void>
  /** Ends streams, lets requests under way finish, and closes its records. The node goes on. */
  stop(): Promise<void>
  /** `http://HOST:PORT`, once started. */
  url(): string
  /** The admin key, once started; `created` where this start made it. */
  adminKey(): { text: string; created: boolean }
  /** A link that signs a browser in as the admin, once and for ten minutes. */
  signInLink(): string
}

interface Running {
  server: Server
  url: string
  adminKey: { text: string; created: boolean }
  signInLink(): string
  stop(): Promise<void>
}

const REACH_PATH = /^\/api(?:\/v1)?\/plugin-core\/jobs\/[^/]+\/(?:exec\/socket|tunnel\/|proxy\/)/

/** Serves the API over HTTP. */
export function createGateway(components: GatewayComponents, init: GatewayInit): Gateway {
  let starting: Promise<Running> | undefined
  let running: Running | undefined

  function started(): Running {
    if (running === undefined) throw new Error('The gateway has not started')
    return running
  }

  return {
    async start() {
      starting ??= run(components, init)
      try {
        running = await starting
      } catch (error) {
        starting = undefined
        throw error
      }
    },
    async stop() {
      const current = running
      running = undefined
      starting = undefined
      await current?.stop()
    },
    url: () => started().url,
    adminKey: () => started().adminKey,
    signInLink: () => started().signInLink(),
  }
}

async function run(components: GatewayComponents, init: GatewayInit): Promise<Running> {
  const { clock = systemClock, logger } = components
  const { host = DEFAULT_HOST, port = DEFAULT_PORT, ...rest } = init
  await using stack = new AsyncDisposableStack()
  const services = await openServices({ ...components, clock }, rest)
  stack.defer(services.stop)
  collectDefaultMetrics({ register: services.registry, prefix: 'cortex_' })
  // Gauges that are named as counters, and are the sum of others beside them: promtool refuses them.
  for (const what of ['handles', 'requests', 'resources']) {
    services.registry.removeSingleMetric(`cortex_nodejs_active_${what}_total`)
  }
  const app = createGatewayApp(services, { version: await ownVersion(), ...rest })
  const sockets = createSocketServer()
  const server = createAdaptorServer({
    fetch: app.fetch,
    hostname: host,
    websocket: { server: sockets.server },
  }) as Server
  serveUpgrades(server, app, isReach(rest.proxyDomain))
  const listener = createListener(server)
  await listener.listen(host, port)
  stack.defer(async () => {
    const closed = listener.close()
    sockets.stop()
    services.holds.stop()
    await services.streams.stop()
    await closed
  })
  await services.start()
  const url = urlOf(server, host)
  logger.info({ url }, 'gateway listens')
  const ready = stack.move()
  return {
    server,
    url,
    adminKey: services.adminKey,
    signInLink: () => `${url}/sign-in?code=${services.signIn.issue(ADMIN_KEY_ID)}`,
    stop: async () => await ready.disposeAsync(),
  }
}

/** Whether a request leads into a container, by its path or its host. */
function isReach(domain = 'localhost'): (request: { path: string; host: string }) => boolean {
  const { isPort } = createPortOrigins({ clock: systemClock }, { domain })
  return ({ path, host }) => isPort(host) || REACH_PATH.test(path)
}

function urlOf(server: Server, host: string): string {
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const name = host === '127.0.0.1' || host === '::1' ? 'localhost' : isIPv6(host) ? `[${host}]` : host
  return `http://${name}:${port}`
}

async function ownVersion(): Promise<string> {
  const path = findPackageJSON(import.meta.url)
  if (path === undefined) return '0.0.0'
  return (JSON.parse(await readFile(path, 'utf8')) as { version: string }).version
}
