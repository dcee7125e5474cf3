import type { BackupOptions } from '../../node/commands/backup-flags.ts'
import { CliError } from '../../node/commands/cli-error.ts'
import type { OutputRoomOptions, RegistryOptions } from '../../node/commands/options.ts'
import type { RelayOptions } from '../../node/commands/relay-options.ts'
import type { Retention } from '../../node/store/index.ts'
import type { GatewayInit } from '../gateway.ts'

/** What `cortex gateway` may be told, besides what every peer may. */
export interface GatewayOptions extends RelayOptions, RegistryOptions, OutputRoomOptions, BackupOptions {
  relay?: true
  host: string
  port: number
  open?: true
  allowHost?: string[]
  corsOrigin?: string[]
  rateLimit?: number
  alias?: Record<string, string>
  proxyDomain?: string
  allowPrivateWebhooks?: true
  tlsCert?: string
  tlsKey?: string
  acme?: string[]
  acmeEmail?: string
  acmeDirectory?: string
  redirectPort?: number
  trustProxy?: string[]
  metricsToken?: string
  keepLogs?: number
  keepMetrics?: number
  keepEvents?: number
}

/** Where authorities ask. */
const HTTP_PORT = 80

/** What the flags say of who may come, and how. @throws {CliError} where one is there without the other */
export function frontOf(
  options: GatewayOptions,
): Pick<GatewayInit, 'tls' | 'acme' | 'redirectPort' | 'trustedProxies' | 'allowedHosts'> {
  const { tlsCert: cert, tlsKey: key, acme: domains, acmeEmail: email, acmeDirectory: directoryUrl } = options
  const { redirectPort = domains === undefined ? undefined : HTTP_PORT, trustProxy, allowHost = [] } = options
  if (cert === undefined && key !== undefined) throw new CliError('--tls-key needs --tls-cert beside it')
  if (cert !== undefined && key === undefined) throw new CliError('--tls-cert needs --tls-key beside it')
  if (cert !== undefined && domains !== undefined) throw new CliError('Give --tls-cert or --acme, not both')
  if (domains === undefined && (email !== undefined || directoryUrl !== undefined)) {
    throw new CliError('--acme-email and --acme-directory need --acme beside them')
  }
  if (cert === undefined && domains === undefined && redirectPort !== undefined) {
    throw new CliError('--redirect-port leads to HTTPS: give --tls-cert and --tls-key, or --acme')
  }
  const hosts = [...(domains ?? []), ...allowHost]
  return {
    ...(cert === undefined || key === undefined ? {} : { tls: { cert, key } }),
    ...(domains === undefined ? {} : { acme: { domains, email, directoryUrl } }),
    ...(redirectPort === undefined ? {} : { redirectPort }),
    ...(trustProxy === undefined ? {} : { trustedProxies: trustProxy }),
    ...(hosts.length === 0 ? {} : { allowedHosts: hosts }),
  }
}

/** What the flags say of how long things are kept. */
export function retentionOf({ keepLogs, keepMetrics, keepEvents }: GatewayOptions): Partial<Retention> {
  const ms = (days: number): number | null => (days === 0 ? null : days * 24 * 3_600_000)
  return {
    ...(keepLogs === undefined ? {} : { logsMs: ms(keepLogs) }),
    ...(keepMetrics === undefined ? {} : { metricsMs: ms(keepMetrics) }),
    ...(keepEvents === undefined ? {} : { eventsMs: ms(keepEvents) }),
  }
}
