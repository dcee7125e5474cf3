import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import { startBackups } from '../../node/backup/keep-backups.ts'
import { writeBackup } from '../../node/backup/write-backup.ts'
import { startClientNode } from '../../node/client-node.ts'
import { systemClock } from '../../node/clock.ts'
import { backupPlanOf } from '../../node/commands/backup-flags.ts'
import { openInBrowser } from '../../node/commands/open-in-browser.ts'
import { followerTimes, type PeerOptions, partFolder, peerInit } from '../../node/commands/options.ts'
import { say } from '../../node/commands/print.ts'
import { relayLimits } from '../../node/commands/relay-options.ts'
import { startTracing } from '../../node/commands/tracing.ts'
import type { Logger } from '../../node/logger.ts'
import { ownVersion } from '../../node/version.ts'
import { LINK_MS } from '../auth/sign-in.ts'
import { assertListens } from '../http/listener.ts'
import { createGateway } from '../index.ts'
import { MetricsRegistry } from '../metrics/registry.ts'
import { startControl } from './control.ts'
import { frontOf, type GatewayOptions, retentionOf } from './gateway-options.ts'

/** A gateway that has started, with the client node that it is over. */
export interface RunningGateway {
  /** Prints where it is; the admin key only when this start made it. Opens the browser where that was asked for. */
  introduce(): void
  peerId: string
  /** Multiaddrs of its peer. */
  peerAddresses: string[]
  stop(): Promise<void>
}

/** Starts the client node and the API. */
export async function startGatewayNode(
  logger: Logger,
  options: GatewayOptions & PeerOptions,
  how: { embedded: boolean },
): Promise<RunningGateway> {
  const front = frontOf(options)
  const backups = backupPlanOf(options)
  await assertListens(options.host, options.port)
  if (options.ssh !== undefined) await assertListens(options.host, options.ssh, '--ssh')
  const folder = partFolder(options, 'gateway')
  await using stack = new AsyncDisposableStack()
  const masterKey = process.env.CORTEX_MASTER_KEY
  const registry = new MetricsRegistry()
  const tracing = await startTracing('cortex-gateway')
  stack.defer(tracing.stop)
  const node = await startClientNode(
    { logger, registry, tracer: tracing.tracer },
    {
      ...peerInit(options),
      stays: true,
      ...(options.relay === true ? { relay: relayLimits(options) } : {}),
      dataFolder: folder,
      times: followerTimes(options),
      ...(options.outputRoom === undefined ? {} : { outputs: { roomBytes: options.outputRoom } }),
      ...(options.allowRegistry === undefined ? {} : { allowRegistries: options.allowRegistry }),
      ...(masterKey === undefined ? {} : { masterKey }),
    },
  )
  stack.defer(async () => await node.stop())
  const { host, port, corsOrigin, rateLimit, maxStreams, alias: providerAliases, proxyDomain, ssh } = options
  const adminKey = process.env.CORTEX_ADMIN_KEY
  const local = ['127.0.0.1', '::1', 'localhost'].includes(host)
  const enforced = rateLimit === undefined ? !(how.embedded && local) : rateLimit > 0
  const gateway = createGateway(
    { node, logger, registry },
    {
      folder,
      host,
      port,
      ...front,
      rateLimits: { enforced, ...(rateLimit === undefined || rateLimit === 0 ? {} : { perMinute: rateLimit }) },
      maxStreams,
      openLoopbackStreams: how.embedded && local,
      retention: retentionOf(options),
      ...(adminKey === undefined ? {} : { adminKey }),
      ...(masterKey === undefined ? {} : { masterKey }),
      ...(options.metricsToken === undefined ? {} : { metricsToken: options.metricsToken }),
      ...(corsOrigin === undefined ? {} : { corsOrigins: corsOrigin }),
      ...(providerAliases === undefined ? {} : { providerAliases }),
      ...(proxyDomain === undefined ? {} : { proxyDomain }),
      ...(ssh === undefined ? {} : { ssh: { host, port: ssh } }),
      allowPrivateWebhooks: options.allowPrivateWebhooks === true,
    },
  )
  await gateway.start()
  stack.defer(async () => await gateway.stop())
  const { peerId } = node.network
  const version = await ownVersion()
  const backup = async (withFiles: boolean) => {
    const dumps = { jobs: node.store.dump(), records: gateway.dump() }
    return writeBackup({ kind: 'gateway', peerId, folder, dumps }, { withFiles, version, nowMs: systemClock.nowMs() })
  }
  const control = await startControl({ logger: logger.child({ part: 'control' }), backup }, folder)
  stack.defer(control.stop)
  if (backups !== undefined) {
    const parts = { kind: 'gateway', peerId, make: backup, clock: systemClock } as const
    stack.defer(startBackups({ ...parts, logger: logger.child({ part: 'backup' }) }, backups).stop)
  }
  const { text, created } = gateway.adminKey()
  const place = gateway.ssh()
  const lines = [
    `gateway    ${gateway.url()}`,
    `sign in    ${gateway.signInLink()}  (once, within ${LINK_MS / 60_000} minutes)`,
    ...(created ? [`admin key  ${text}  (shown once; kept in ${folder}/admin.key)`] : []),
    ...(place === null ? [] : [`ssh        port ${place.port}, host key ${place.fingerprint}`]),
    `network    ${options.network}, peer ${peerId}`,
  ]
  const started = stack.move()
  return {
    introduce() {
      say(...lines)
      if (options.open === true) openInBrowser(gateway.signInLink())
    },
    peerId,
    peerAddresses: node.network.addresses(),
    stop: async () => await started.disposeAsync(),
  }
}
