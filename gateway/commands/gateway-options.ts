import { CliError } from '../../node/commands/cli-error.ts'
import type { OutputRoomOptions, RegistryOptions } from '../../node/commands/options.ts'
import type { RelayOptions } from '../../node/commands/relay-options.ts'
import type { Retention } from '../../node/store/index.ts'
import type { FrontInit } from '../http/front.ts'

/** What `cortex gateway` may be told, besides what every peer may. */
export interface GatewayOptions extends RelayOptions, RegistryOptions, OutputRoomOptions {
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
  redirectPort?: number
  trustProxy?: string[]
  metricsToken?: string
  keepLogs?: number
  keepMetrics?: number
  keepEvents?: number
}

/** What the flags say of who may come, and how. @throws {CliError} where one is there without the other */
export function frontOf({
  tlsCert: cert,
  tlsKey: key,
  redirectPort,
  trustProxy,
}: GatewayOptions): Pick<FrontInit, 'tls' | 'redirectPort' | 'trustedProxies'> {
  if (cert === undefined && key !== undefined) throw new CliError('--tls-key needs --tls-cert beside it')
  if (cert !== undefined && key === undefined) throw new CliError('--tls-cert needs --tls-key beside it')
  if (cert === undefined && redirectPort !== undefined) {
    throw new CliError('--redirect-port leads to HTTPS: give --tls-cert and --tls-key')
  }
  return {
    ...(cert === undefined || key === undefined ? {} : { tls: { cert, key } }),
    ...(redirectPort === undefined ? {} : { redirectPort }),
    ...(trustProxy === undefined ? {} : { trustedProxies: trustProxy }),
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
