import type { OutputRoomOptions, RegistryOptions } from '../../node/commands/options.ts'
import type { RelayOptions } from '../../node/commands/relay-options.ts'
import type { Retention } from '../../node/store/index.ts'

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
  metricsToken?: string
  keepLogs?: number
  keepMetrics?: number
  keepEvents?: number
}

/** What the flags say of it. */
export function retentionOf({ keepLogs, keepMetrics, keepEvents }: GatewayOptions): Partial<Retention> {
  const ms = (days: number): number | null => (days === 0 ? null : days * 24 * 3_600_000)
  return {
    ...(keepLogs === undefined ? {} : { logsMs: ms(keepLogs) }),
    ...(keepMetrics === undefined ? {} : { metricsMs: ms(keepMetrics) }),
    ...(keepEvents === undefined ? {} : { eventsMs: ms(keepEvents) }),
  }
}
