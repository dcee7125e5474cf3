import { Command, Option } from 'commander'
import { type PeerOptions, withPeerOptions } from './options.ts'

export interface ProviderOptions extends PeerOptions {
  gateway?: string
  key?: string
  all?: true
  json?: true
}

/** Where the directory is read. */
export interface ProviderSource {
  list(options: ProviderOptions): Promise<void>
  status(id: string, options: ProviderOptions): Promise<void>
}

/**
 * `cortex provider list` and `cortex provider status ID`, as a short-lived client node sees them, or a gateway where one
 * is named.
 */
export function providerCommand(sources: Record<'gateway' | 'network', () => Promise<ProviderSource>>): Command {
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
  return new Command('provider').description('who sells on the network').addCommand(list).addCommand(status)
}

function withSource(command: Command): Command {
  return withPeerOptions(command, { listen: ['/ip4/0.0.0.0/tcp/0'], logLevel: 'silent' })
    .addOption(new Option('--gateway <url>', 'ask this gateway instead of the network').env('CORTEX_GATEWAY'))
    .addOption(new Option('--key <key>', 'for the gateway').env('CORTEX_KEY'))
    .option('--json', 'the API’s JSON')
}
