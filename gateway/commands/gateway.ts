import { Command, InvalidArgumentError, Option } from 'commander'
import { backupCommands } from '../../node/commands/backup.ts'
import { withBackupOptions } from '../../node/commands/backup-flags.ts'
import {
  DEFAULT_PEER_PORT,
  keyValue,
  outputRoomOption,
  type PeerOptions,
  repeated,
  wholeNumber,
  withAllowedRegistries,
  withPeerOptions,
} from '../../node/commands/options.ts'
import { say } from '../../node/commands/print.ts'
import { withRelayLimits } from '../../node/commands/relay-options.ts'
import { untilStopped } from '../../node/commands/stopping.ts'
import { DEFAULT_HOST, DEFAULT_PORT } from '../contract/address.ts'
import { DEFAULT_ACME_DIRECTORY } from '../http/acme.ts'
import { ACME_CHALLENGES } from '../http/acme-proof.ts'
import { createProxies } from '../http/proxies.ts'
import type { GatewayOptions } from './gateway-options.ts'
import { upkeepCommands } from './upkeep.ts'

/** `cortex gateway`: a client node that serves the plugin-core API. */
export function gatewayCommand(): Command {
  const command = new Command('gateway').description('serve the REST and SSE API over a client node of its own')
  // Of `cortex up` they are among its seller's flags.
  withAllowedRegistries(command).addOption(outputRoomOption())
  withPeerOptions(gatewayFlags(command), { listen: [`/ip4/0.0.0.0/tcp/${DEFAULT_PEER_PORT}`], logLevel: 'info' })
  // `cortex up` has them once, for both of its parts.
  withBackupOptions(command)
  for (const part of [...backupCommands('gateway'), ...upkeepCommands()]) command.addCommand(part)
  return command
    .enablePositionalOptions() // `gateway backup --data D`: the flag is that of `backup`.
    .addHelpText('after', '\nExample:\n  $ cortex gateway --port 13000 --bootstrap /dns4/market.example/tcp/13100')
    .action(async (options: GatewayOptions & PeerOptions) => {
      const [{ createLogger }, { startGatewayNode }] = await Promise.all([
        import('../../node/logger.ts'),
        import('./start-gateway.ts'),
      ])
      const gateway = await startGatewayNode(createLogger({ name: 'gateway', level: options.logLevel }), options, {
        embedded: false,
      })
      // Before anybody hears that it is up, and may end it again.
      const stopped = untilStopped()
      gateway.introduce()
      const reason = await stopped
      say(`${reason}: stopping; jobs go on at their providers`)
      await gateway.stop()
    })
}

/** Adds the flags of a gateway, as {@link GatewayOptions} has them: those of `cortex gateway`, and of `cortex up` as well. */
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
    .addOption(
      new Option(
        '--tls-cert <file>',
        'serve HTTPS with this certificate (PEM); a renewed one is served within seconds',
      ).env('CORTEX_TLS_CERT'),
    )
    .addOption(new Option('--tls-key <file>', 'its private key (PEM)').env('CORTEX_TLS_KEY'))
    .option(
      '--acme <name>',
      'fetch and renew a certificate for this host name, by Let’s Encrypt, to whose terms this agrees; repeat it',
      domainName,
    )
    .option('--acme-email <address>', 'where the authority may write to')
    .option('--acme-directory <url>', `another authority’s directory (${DEFAULT_ACME_DIRECTORY})`, directoryUrl)
    .addOption(
      new Option(
        '--acme-challenge <how>',
        'how the authority is shown that the names are yours: by port 80 of each, by port 443 of each, or by their records (http-01, and dns-01 with --acme-dns-hook)',
      ).choices(ACME_CHALLENGES),
    )
    .option(
      '--acme-dns-hook <program>',
      'sets and removes those records: called with present NAME VALUE, and cleanup NAME VALUE; makes wildcards possible',
    )
    .option(
      '--redirect-port <number>',
      'lead plain HTTP on this port to HTTPS (80 with --acme-challenge http-01)',
      wholeNumber(1, 65_535),
    )
    .option(
      '--trust-proxy <address>',
      'believe what a proxy at this address or network says of its clients (X-Forwarded-For, X-Forwarded-Proto), or loopback; repeat it',
      proxyAddress,
    )
    .addOption(
      new Option(
        '--ssh <port>',
        'lead ssh JOB@here on this port into jobs, for keys of cortex key ssh; 0 is any free one',
      )
        .env('CORTEX_SSH')
        .argParser(wholeNumber(0, 65_535)),
    )
    .option('--cors-origin <origin>', 'a web page elsewhere that may use the API; repeat it', repeated)
    .addOption(
      new Option(
        '--rate-limit <number>',
        'requests a minute for each key; 0 is no limit (300, and none with cortex up on loopback)',
      )
        .env('CORTEX_RATE_LIMIT')
        .argParser(wholeNumber(0, 1_000_000)),
    )
    .addOption(
      new Option(
        '--max-streams <number>',
        'event streams and sockets that are open at a time; a key has an eighth of them, an owner a quarter (2048)',
      )
        .env('CORTEX_MAX_STREAMS')
        .argParser(wholeNumber(64, 65_536)),
    )
    .addOption(
      new Option('--metrics-token <token>', 'lets whoever sends it as a bearer read /metrics from elsewhere')
        .env('CORTEX_METRICS_TOKEN')
        .argParser(metricsToken),
    )
    .option('--alias <name=network>', 'other names for networks in old scripts, e.g. akash=p2p', keyValue)
    .addOption(keep('jobs', 'ended jobs', 0, ', and then what they cost and their receipts alone'))
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

/** @throws {InvalidArgumentError} */
function metricsToken(text: string): string {
  if (/^[\x21-\x7e]{16,256}$/.test(text)) return text
  throw new InvalidArgumentError('Give 16 to 256 printable characters without spaces, e.g. of `openssl rand -hex 16`.')
}

/** @throws {InvalidArgumentError} */
function domainName(text: string, before: string[] = []): string[] {
  const name = text.toLowerCase()
  if (
    !/^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name) ||
    name.length > 253
  ) {
    throw new InvalidArgumentError('Give a host name such as cortex.example, or *.jobs.cortex.example.')
  }
  return [...before, name]
}

/** @throws {InvalidArgumentError} */
function directoryUrl(text: string): string {
  if (URL.canParse(text) && new URL(text).protocol === 'https:') return text
  throw new InvalidArgumentError('Give a URL that begins with https://.')
}

/** @throws {InvalidArgumentError} */
function proxyAddress(text: string, before: string[] = []): string[] {
  try {
    createProxies([text])
  } catch {
    throw new InvalidArgumentError('Give an address, a network such as 10.0.0.0/8, or loopback.')
  }
  return [...before, text]
}

function keep(name: string, what: string, days: number, then = ''): Option {
  const text = `keep ${what} so long after the end${then}; 0 is for ever (default: ${days})`
  return new Option(`--keep-${name} <days>`, text)
    .env(`CORTEX_KEEP_${name.toUpperCase()}`)
    .argParser(wholeNumber(0, 36_500))
}
