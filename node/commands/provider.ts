import { Command, Option } from 'commander'
import { group } from './group.ts'
import { type PeerOptions, withPeerOptions } from './options.ts'

/** Flags of `cortex provider list` and `status`, as commander gives them. */
export interface ProviderOptions extends PeerOptions {
  /** URL of the gateway to ask; absent where a client node of its own joins the network. */
  gateway?: string
  /** For the gateway. */
  key?: string
  /** Whether `list` shows offline ones, too. */
  all?: true
  json?: true
}

/** Flags of `cortex provider bench`. */
export interface BenchOptions extends ProviderOptions {
  /** One that has Node 20 or later as `node`. @default "node:24-alpine" */
  image?: string
  /** US dollars per hour at most; absent is no cap. */
  maxPrice?: string
}

/** Where the directory is read. */
export interface ProviderSource {
  list(options: ProviderOptions): Promise<void>
  status(id: string, options: ProviderOptions): Promise<void>
  /** Measures the machine by a job. */
  bench(id: string, options: BenchOptions): Promise<void>
}

/**
 * `cortex provider list` and `cortex provider status ID`, as a short-lived client node sees them, or a gateway where one
 * is named.
 * @param others further commands, of a gateway alone
 */
export function providerCommand(
  sources: Record<'gateway' | 'network', () => Promise<ProviderSource>>,
  others: Command[] = [],
): Command {
  const sourceOf = async (options: ProviderOptions) =>
    await (options.gateway === undefined ? sources.network() : sources.gateway())
  const list = withSource(new Command('list').description('providers that are online'))
    .option('--all', 'offline ones, too')
    .addHelpText('after', '\nExample:\n  $ cortex provider list')
    .action(async (options: ProviderOptions) => await (await sourceOf(options)).list(options))
  const status = withSource(new Command('status').description('one provider'))
    .argument('<id>', 'peer id, its end, or the name')
    .addHelpText('after', '\nExample:\n  $ cortex provider status 12D3KooW…')
    .action(async (id: string, options: ProviderOptions) => await (await sourceOf(options)).status(id, options))
  const bench = withSource(new Command('bench').description('measure a provider’s machine by a job of some seconds'))
    .argument('<id>', 'peer id, its end, or the name')
    .option('--image <name>', 'one that has Node 20 or later as `node` (node:24-alpine)')
    .option('--max-price <usd>', 'US dollars per hour at most')
    .addHelpText('after', '\nExample:\n  $ cortex provider bench attic')
    .action(async (id: string, options: BenchOptions) => await (await sourceOf(options)).bench(id, options))
  return group('provider', 'who sells on the network', [list, status, bench, ...others], ['list', 'status 12D3KooW…'])
}

function withSource(command: Command): Command {
  return withPeerOptions(command, { listen: ['/ip4/0.0.0.0/tcp/0'], logLevel: 'silent' })
    .addOption(new Option('--gateway <url>', 'ask this gateway instead of the network').env('CORTEX_GATEWAY'))
    .addOption(new Option('--key <key>', 'for the gateway').env('CORTEX_KEY'))
    .option('--json', 'the API’s JSON')
}
