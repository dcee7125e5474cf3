import { Command, Option } from 'commander'
import { defaultDataFolder, partFolder } from './options.ts'
import { print, printJsonLine } from './print.ts'

const PARTS = ['gateway', 'agent', 'client', 'relay'] as const

/** `cortex id`: who this machine's peers are. */
export function idCommand(): Command {
  return new Command('id')
    .description('print this node’s peer id (made on first use)')
    .addOption(
      new Option('--data <folder>', 'where identities are kept').env('CORTEX_DATA').default(defaultDataFolder()),
    )
    .addOption(new Option('--of <part>', 'which of this machine’s peers').choices(PARTS).default('gateway'))
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  $ cortex id --of agent')
    .action(async (options: { data: string; of: (typeof PARTS)[number]; json?: true }) => {
      const [{ peerIdFromPrivateKey }, { loadIdentity }] = await Promise.all([
        import('@libp2p/peer-id'),
        import('../identity.ts'),
      ])
      const folder = partFolder(options, options.of)
      const privateKey = await loadIdentity(options.of === 'client' ? `${folder}/0` : folder)
      const peerId = peerIdFromPrivateKey(privateKey).toString()
      if (options.json === true) printJsonLine({ peerId, part: options.of })
      else print(peerId)
    })
}
