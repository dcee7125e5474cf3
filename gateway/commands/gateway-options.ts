import type { BackupOptions } from '../../node/commands/backup-flags.ts'
import { CliError } from '../../node/commands/cli-error.ts'
import type { OutputRoomOptions, RegistryOptions } from '../../node/commands/options.ts'
import type { RelayOptions } from '../../node/commands/relay-options.ts'
import type { Retention } from '../../node/store/index.ts'
import type { GatewayInit } from '../gateway.ts'
import type { AcmeInit } from '../http/acme.ts'
import type { ACME_CHALLENGES, AcmeChallenge } from '../http/acme-proof.ts'

/** What `cortex gateway` may be told, besides what every peer may. */
export interface GatewayOptions extends RelayOptions, RegistryOptions, OutputRoomOptions, BackupOptions {
  relay?: true
  host: string
  port: number
  open?: true
  allowHost?: string[]
  corsOrigin?: string[]
  rateLimit?: number
  maxStreams?: number
  alias?: Record<string, string>
  proxyDomain?: string
  ssh?: number
  allowPrivateWebhooks?: true
  tlsCert?: string
  tlsKey?: string
  acme?: string[]
  acmeEmail?: string
  acmeDirectory?: string
  acmeChallenge?: (typeof ACME_CHALLENGES)[number]
  acmeDnsHook?: string
  redirectPort?: number
  trustProxy?: string[]
  metricsToken?: string
  keepJobs?: number
  keepLogs?: number
  keepMetrics?: number
  keepEvents?: number
}

/** Where authorities ask, unless they are to ask elsewhere. */
const HTTP_PORT = 80

/** What the flags say of who may come, and how. @throws {CliError} where one is there without the other */
export function frontOf(
  options: GatewayOptions,
): Pick<GatewayInit, 'tls' | 'acme' | 'redirectPort' | 'trustedProxies' | 'allowedHosts'> {
  const { tlsCert: cert, tlsKey: key, trustProxy, allowHost = [] } = options
  const acme = acmeOf(options)
  const { redirectPort = acme?.challenge === 'http-01' ? HTTP_PORT : undefined } = options
  if (cert === undefined && key !== undefined) throw new CliError('--tls-key needs --tls-cert beside it')
  if (cert !== undefined && key === undefined) throw new CliError('--tls-cert needs --tls-key beside it')
  if (cert !== undefined && acme !== undefined) throw new CliError('Give --tls-cert or --acme, not both')
  if (cert === undefined && acme === undefined && redirectPort !== undefined) {
    throw new CliError('--redirect-port leads to HTTPS: give --tls-cert and --tls-key, or --acme')
  }
  // What a wildcard stands for are jobs' ports, which are known by `--proxy-domain`.
  const hosts = [...(acme?.domains.filter((name) => !isWildcard(name)) ?? []), ...allowHost]
  return {
    ...(cert === undefined || key === undefined ? {} : { tls: { cert, key } }),
    ...(acme === undefined ? {} : { acme }),
    ...(redirectPort === undefined ? {} : { redirectPort }),
    ...(trustProxy === undefined ? {} : { trustedProxies: trustProxy }),
    ...(hosts.length === 0 ? {} : { allowedHosts: hosts }),
  }
}

/** @throws {CliError} */
function acmeOf(options: GatewayOptions): (AcmeInit & { challenge: AcmeChallenge }) | undefined {
  const { acme: domains, acmeEmail: email, acmeDirectory: directoryUrl, acmeDnsHook: dnsHook } = options
  const { acmeChallenge = dnsHook === undefined ? 'http-01' : 'dns-01' } = options
  if (domains === undefined) {
    const alone = ['acmeEmail', 'acmeDirectory', 'acmeChallenge', 'acmeDnsHook'] as const
    if (alone.every((name) => options[name] === undefined)) return undefined
    throw new CliError('--acme-email, --acme-directory, --acme-challenge and --acme-dns-hook need --acme beside them')
  }
  if (acmeChallenge !== 'dns-01') {
    if (dnsHook !== undefined) throw new CliError('--acme-dns-hook is for --acme-challenge dns-01')
    const wildcard = domains.find(isWildcard)
    if (wildcard !== undefined) {
      throw new CliError(`--acme ${wildcard}: a wildcard is proved by dns-01 alone: give --acme-dns-hook`)
    }
    return { domains, email, directoryUrl, challenge: acmeChallenge }
  }
  if (dnsHook === undefined) throw new CliError('--acme-challenge dns-01 needs --acme-dns-hook beside it')
  return { domains, email, directoryUrl, challenge: { dnsHook } }
}

function isWildcard(name: string): boolean {
  return name.startsWith('*.')
}

/** What the flags say of how long things are kept. */
export function retentionOf({ keepJobs, keepLogs, keepMetrics, keepEvents }: GatewayOptions): Partial<Retention> {
  const ms = (days: number): number | null => (days === 0 ? null : days * 24 * 3_600_000)
  return {
    ...(keepJobs === undefined ? {} : { jobsMs: ms(keepJobs) }),
    ...(keepLogs === undefined ? {} : { logsMs: ms(keepLogs) }),
    ...(keepMetrics === undefined ? {} : { metricsMs: ms(keepMetrics) }),
    ...(keepEvents === undefined ? {} : { eventsMs: ms(keepEvents) }),
  }
}
