import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import { collectDefaultMetrics, type Registry } from 'prom-client'
import { type Clock, systemClock } from '../node/clock.ts'
import type { ClientNode } from '../node/index.ts'
import type { Logger } from '../node/logger.ts'
import { type Dump, openDump } from '../node/store/dump.ts'
import { ownVersion } from '../node/version.ts'
import { type GatewayAppInit, openGatewayApp } from './app.ts'
import type { AcmeInit } from './http/acme.ts'
import { type FrontInit, openFront } from './http/front.ts'
import { connectionsFor } from './http/limits.ts'
import type { SshPlace } from './ssh/open.ts'

/** How a gateway is set up, and where it listens. */
export interface GatewayInit extends Omit<GatewayAppInit, 'version'>, Omit<FrontInit, 'acme' | 'allowedHosts'> {
  /** Instead of `tls`: fetches a certificate from an authority, keeps it in `folder`, and renews it. */
  acme?: AcmeInit
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
  /** @throws {ListenError} @throws {CertificateError} @throws {DataFolderError} @throws {AdminKeyError} */
  start(): Promise<void>
  /** Ends streams, lets requests under way finish, and closes its records. The node goes on. */
  stop(): Promise<void>
  /** `http://HOST:PORT`, or `https:`, once started. */
  url(): string
  /** The admin key, once started; `created` where this start made it. */
  adminKey(): { text: string; created: boolean }
  /** A link that signs a browser in as the admin, once and for ten minutes. */
  signInLink(): string
  /** Where jobs are reached by SSH, once started; null for nowhere. */
  ssh(): SshPlace | null
  /** Its own records as of this moment, beside those of its node. */
  dump(): Dump
}

interface Running {
  dump(): Dump
  url: string
  adminKey: { text: string; created: boolean }
  signInLink(): string
  ssh(): SshPlace | null
  stop(): Promise<void>
}

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
    ssh: () => started().ssh(),
    dump: () => started().dump(),
  }
}

async function run(components: GatewayComponents, init: GatewayInit): Promise<Running> {
  const { clock = systemClock, logger } = components
  const { host, port, connections, tls, acme, redirectPort, trustedProxies, ...rest } = init
  const kept = acme === undefined ? undefined : { ...acme, folder: init.folder }
  const room = { ...connectionsFor(init.maxStreams), ...connections }
  const how = { host, port, connections: room, tls, acme: kept, redirectPort, trustedProxies }
  await using stack = new AsyncDisposableStack()
  const opened = await openGatewayApp({ ...components, clock }, { version: await ownVersion(), ...rest })
  const { app, registry, isPort } = opened
  stack.defer(opened.stop)
  collectDefaultMetrics({ register: registry, prefix: 'cortex_' })
  // Gauges that are named as counters, and are the sum of others beside them: promtool refuses them.
  for (const what of ['handles', 'requests', 'resources']) {
    registry.removeSingleMetric(`cortex_nodejs_active_${what}_total`)
  }
  const front = await openFront(
    { app, isPort, logger, registry, clock },
    { ...how, allowedHosts: init.allowedHosts ?? [] },
  )
  stack.defer(async () => {
    const closed = front.close()
    await opened.letGo()
    await closed
  })
  await opened.start()
  const { url } = front
  logger.info({ url }, 'gateway listens')
  const ready = stack.move()
  return {
    url,
    dump: () => openDump(opened.db),
    adminKey: opened.adminKey,
    ssh: opened.sshPlace,
    signInLink: () => `${url}/sign-in?code=${opened.adminSignInCode()}`,
    stop: async () => await ready.disposeAsync(),
  }
}
