import type { Server } from 'node:http'
import { isIPv6 } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import { collectDefaultMetrics, type Registry } from 'prom-client'
import { type Clock, systemClock } from '../node/clock.ts'
import type { ClientNode } from '../node/index.ts'
import type { Logger } from '../node/logger.ts'
import { takeTurn } from '../node/turns.ts'
import { ownVersion } from '../node/version.ts'
import { type GatewayAppInit, openGatewayApp } from './app.ts'
import { DEFAULT_HOST, DEFAULT_PORT } from './contract/address.ts'
import { BoundedRequest } from './http/asked-ahead.ts'
import { type ConnectionLimits, createConnections } from './http/connections.ts'
import { ExactResponse } from './http/exact-response.ts'
import { HEAD_MS, KEEP_ALIVE_MS } from './http/limits.ts'
import { createListener } from './http/listener.ts'
import { serveUpgrades, upgradeOptions } from './http/upgrades.ts'

/** Where a gateway listens, and how it is set up. */
export interface GatewayInit extends Omit<GatewayAppInit, 'version'> {
  /** Address to listen on. @default "127.0.0.1" */
  host?: string
  /** 0 is any free one. @default 13000 */
  port?: number
  /** How many connections are held, in all and of each address. */
  connections?: ConnectionLimits
}

/** What {@link createGateway} works with. Its node has started, and is stopped by whoever started it. */
export interface GatewayComponents {
  node: ClientNode
  logger: Logger
  clock?: Clock
  /** Where metrics are registered, the node's beside the gateway's. @default one of its own */
  registry?: Registry
}

/** A gateway that may be started, and again after it was stopped. */
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

/** Where WebSockets may be opened, besides the origins of ports. */
const SOCKET_PATH =
  /^(?:\/api(?:\/v1)?)?\/ws$|^\/api(?:\/v1)?\/plugin-core\/(?:streams$|jobs\/[^/]+\/(?:exec\/socket$|tunnel\/|proxy\/))/

/**
 * Serves the API, and the dashboard, over HTTP.
 *
 * @example
 * ```ts
 * import { createGateway, silentLogger, startClientNode } from 'cortex-node'
 *
 * const node = await startClientNode(
 *   { logger: silentLogger },
 *   { dataFolder: './gateway', networkName: 'main', listen: ['/ip4/127.0.0.1/tcp/0'], bootstrap: [], mdns: false },
 * )
 * const gateway = createGateway({ node, logger: silentLogger }, { folder: './gateway', port: 13000 })
 * await gateway.start()
 * const { status } = await fetch(`${gateway.url()}/api/health`)
 * console.log('health', status, 'sign in by', gateway.signInLink())
 * await gateway.stop()
 * await node.stop()
 * ```
 */
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
  const { host = DEFAULT_HOST, port = DEFAULT_PORT, connections = {}, ...rest } = init
  await using stack = new AsyncDisposableStack()
  const opened = await openGatewayApp({ ...components, clock }, { version: await ownVersion(), ...rest })
  const { app, registry, isPort } = opened
  stack.defer(opened.stop)
  collectDefaultMetrics({ register: registry, prefix: 'cortex_' })
  // Gauges that are named as counters, and are the sum of others beside them: promtool refuses them.
  for (const what of ['handles', 'requests', 'resources']) {
    registry.removeSingleMetric(`cortex_nodejs_active_${what}_total`)
  }
  // However many requests arrive at the same moment, others get their turn between them.
  const inTurn = {
    fetch: async (...asked: Parameters<typeof app.fetch>): Promise<Response> => {
      await takeTurn()
      return await app.fetch(...asked)
    },
  }
  /** Whether a request may open a WebSocket, by its path or its host. */
  const takesSockets = ({ path, host }: { path: string; host: string }) => isPort(host) || SOCKET_PATH.test(path)
  const server = createAdaptorServer({
    fetch: inTurn.fetch,
    hostname: host,
    serverOptions: { ...TIMES, ...upgradeOptions(takesSockets), ...REQUESTS },
  }) as Server
  serveUpgrades(server, inTurn, takesSockets)
  const listener = createListener(server, createConnections(server, connections))
  await listener.listen(host, port)
  stack.defer(async () => {
    const closed = listener.close()
    await opened.letGo()
    await closed
  })
  await opened.start()
  const url = urlOf(server, host)
  logger.info({ url }, 'gateway listens')
  const ready = stack.move()
  return {
    server,
    url,
    adminKey: opened.adminKey,
    signInLink: () => `${url}/sign-in?code=${opened.adminSignInCode()}`,
    stop: async () => await ready.disposeAsync(),
  }
}

/**
 * A body has no deadline of its own here: what reads it has one, and what is passed on to a container may take as long as
 * bytes flow.
 */
const TIMES = {
  headersTimeout: HEAD_MS,
  requestTimeout: 0,
  keepAliveTimeout: KEEP_ALIVE_MS,
  connectionsCheckingInterval: HEAD_MS / 3,
}

const REQUESTS = { IncomingMessage: BoundedRequest, ServerResponse: ExactResponse }

function urlOf(server: Server, host: string): string {
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const name = host === '127.0.0.1' || host === '::1' ? 'localhost' : isIPv6(host) ? `[${host}]` : host
  return `http://${name}:${port}`
}
