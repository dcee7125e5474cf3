import { Command, Option } from 'commander'
import { group } from './group.ts'
import { type PeerOptions, wholeNumber, withPeerOptions } from './options.ts'

/** Flags of `cortex net top`, as commander gives them. */
export interface TopOptions extends PeerOptions {
  /** URL of the gateway to look through; absent where a client node of its own joins the network. */
  gateway?: string
  /** An admin key of the gateway. */
  key?: string
  /** Seconds between looks, 1 to 3,600. @default 2 */
  every: number
  once?: true
  json?: true
}

/** Shows what one peer sees of its network, until the command ends. */
export type Top = (options: TopOptions) => Promise<void>

/** `cortex net top`, as a client node of its own sees the network, or a gateway where one is named. */
export function netCommand(sources: Record<'gateway' | 'network', () => Promise<Top>>): Command {
  const top = withPeerOptions(
    new Command('top').description('what goes on on the network, live: peers, topics, rates, bids and who sells'),
    { listen: ['/ip4/0.0.0.0/tcp/0'], logLevel: 'silent' },
  )
    .addOption(new Option('--gateway <url>', 'as this gateway sees it, its bids included').env('CORTEX_GATEWAY'))
    .addOption(new Option('--key <key>', 'an admin key of the gateway').env('CORTEX_KEY'))
    .addOption(new Option('--every <seconds>', 'between two looks').default(2).argParser(wholeNumber(1, 3_600)))
    .option('--once', 'one look, and end')
    .option('--json', 'one look, as JSON')
    .addHelpText('after', '\nExamples:\n  $ cortex net top\n  $ cortex net top --once --gateway http://localhost:13000')
    .action(async (options: TopOptions) => {
      const show = await (options.gateway === undefined ? sources.network() : sources.gateway())
      await show(options)
    })
  return group('net', 'the network as one peer sees it', [top], ['top'])
}
