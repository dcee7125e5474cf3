import { Command, Option } from 'commander'
import {
  DEFAULT_PEER_PORT,
  keyValue,
  type PeerOptions,
  repeated,
  wholeNumber,
  withPeerOptions,
} from '../../node/commands/options.ts'
import { type RelayOptions, withRelayLimits } from '../../node/commands/relay-options.ts'
import { untilSignal } from '../../node/commands/until-signal.ts'
import type { Retention } from '../../node/store/index.ts'
import { DEFAULT_HOST, DEFAULT_PORT } from '../constants.ts'

/** The flags of a gateway, as commander gives them. */
export interface GatewayOptions extends RelayOptions {
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
  keepLogs?: number
  keepMetrics?: number
  keepEvents?: number
}

/** `cortex gateway`: a client node that serves the plugin-core API. */
export function gatewayCommand(): Command {
  const command = new Command('gateway').description('serve the REST and SSE API over a client node of its own')
  withPeerOptions(gatewayFlags(command), { listen: [`/ip4/0.0.0.0/tcp/${DEFAULT_PEER_PORT}`], logLevel: 'info' })
  return command
    .addHelpText('after', '\nExample:\n  $ cortex gateway --port 13000 --bootstrap /dns4/market.example/tcp/13100')
    .action(async (options: GatewayOptions & PeerOptions) => {
      const [{ createLogger }, { startGatewayNode }] = await Promise.all([
        import('../../node/logger.ts'),
        import('./start-gateway.ts'),
      ])
      const gateway = await startGatewayNode(createLogger({ name: 'gateway', level: options.logLevel }), options, {
        embedded: false,
      })
      const signal = await untilSignal()
      process.stderr.write(`${signal}: stopping; jobs go on at their providers\n`)
      await gateway.stop()
    })
}

export function gatewayFlags(command: Command): Command {
  command.option('--relay', 'help peers behind routers to be reached, within the limits of --relay-…')
  return withRelayLimits(command)
    .addOption(
      new Option('--port <number>', 'for HTTP; 0 is any free one')
        .env('CORTEX_PORT')
        .default(DEFAULT_PORT)
        .argParser(wholeNumber(0, 65_535)),
    )
    .addOption(new Option('--host <address>', 'for HTTP').env('CORTEX_HOST').default(DEFAULT_HOST))
    .option(
      '--allow-host <name>',
      'a host name that clients may use, besides addresses and localhost; repeat it',
      repeated,
    )
    .option('--cors-origin <origin>', 'a web page elsewhere that may use the API; repeat it', repeated)
    .addOption(
      new Option('--rate-limit <number>', 'requests a minute for each key; 0 is no limit')
        .env('CORTEX_RATE_LIMIT')
        .argParser(wholeNumber(0, 1_000_000)),
    )
    .option('--alias <name=network>', 'other names for networks in old scripts, e.g. akash=p2p', keyValue)
    .addOption(keep('logs', 'output of jobs', 30))
    .addOption(keep('metrics', 'samples of use', 30))
    .addOption(keep('events', 'events', 90))
    .option('--proxy-domain <name>', 'jobs’ ports are opened in browsers as PORT--JOB.<name>; its DNS leads here')
    .option(
      '--allow-private-webhooks',
      'let webhooks lead to loopback, private and other addresses inside; only where every key’s holder is trusted',
    )
    .option('--open', 'open the sign-in link in the browser')
}

function keep(name: string, what: string, days: number): Option {
  return new Option(`--keep-${name} <days>`, `keep ${what} so long after the end; 0 is for ever (default: ${days})`)
    .env(`CORTEX_KEEP_${name.toUpperCase()}`)
    .argParser(wholeNumber(0, 36_500))
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
